//! Two-phase commit (Gray and Lamport 2006, module TwoPhase) for Stateright, at its best: a state of 12 bytes, sets as bit masks.
//! Usage: two_phase N THREADS. Prints distinct states, generated states, seconds of the search, and the verdict.
use stateright::{Checker, Model, Property};
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State { prepared: u16, committed: u16, aborted: u16, sent: u16, seen: u16, manager: u8 }

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action { Commit, Abort, Prepare(u8), Choose(u8), Receive(u8), RcvCommit(u8), RcvAbort(u8) }

struct TwoPhase { n: u8 }

impl Model for TwoPhase {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State { prepared: 0, committed: 0, aborted: 0, sent: 0, seen: 0, manager: 0 }]
    }

    fn actions(&self, s: &State, out: &mut Vec<Action>) {
        if s.manager == 0 {
            if s.seen == (1 << self.n) - 1 { out.push(Action::Commit) }
            out.push(Action::Abort)
        }
        for i in 0..self.n {
            let bit = 1 << i;
            if (s.prepared | s.committed | s.aborted) & bit == 0 { out.push(Action::Prepare(i)); out.push(Action::Choose(i)) }
            if s.manager == 0 && s.sent & bit != 0 && s.seen & bit == 0 { out.push(Action::Receive(i)) }
            if s.manager == 1 && s.committed & bit == 0 { out.push(Action::RcvCommit(i)) }
            if s.manager == 2 && s.aborted & bit == 0 { out.push(Action::RcvAbort(i)) }
        }
    }

    fn next_state(&self, s: &State, action: Action) -> Option<State> {
        let mut s = *s;
        match action {
            Action::Commit => s.manager = 1,
            Action::Abort => s.manager = 2,
            Action::Prepare(i) => { s.prepared |= 1 << i; s.sent |= 1 << i }
            Action::Choose(i) => s.aborted |= 1 << i,
            Action::Receive(i) => s.seen |= 1 << i,
            Action::RcvCommit(i) => { s.committed |= 1 << i; s.prepared &= !(1 << i); s.aborted &= !(1 << i) }
            Action::RcvAbort(i) => { s.aborted |= 1 << i; s.prepared &= !(1 << i); s.committed &= !(1 << i) }
        }
        Some(s)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("consistent", |_, s: &State| s.committed == 0 || s.aborted == 0)]
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<usize>().unwrap());
    let (n, threads) = (arguments.next().unwrap() as u8, arguments.next().unwrap());
    let began = Instant::now();
    let checker = TwoPhase { n }.checker().threads(threads).spawn_bfs().join();
    let seconds = began.elapsed().as_secs_f64();
    checker.assert_properties();
    println!("states={} generated={} seconds={:.3} held=true", checker.unique_state_count(), checker.state_count(), seconds);
}
