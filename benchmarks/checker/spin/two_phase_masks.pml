/* Two-phase commit (Gray and Lamport 2006, module TwoPhase) for Spin, at its best: one process, sets as bit masks, no local
   variable, each action one indivisible step. -DN=9 sets the number of resource managers (at most 12), -DCHECK asserts
   the invariant after each step that can break it. */
#ifndef N
#define N 3
#endif
#define ALL ((1 << N) - 1)
#define bit(i) (1 << (i))

unsigned prepared : N;      /* resource managers that are prepared ... */
unsigned committed : N;
unsigned aborted : N;       /* ... and those in none of the three sets are working */
unsigned sent : N;          /* messages "prepared": never consumed */
unsigned seen : N;          /* the manager has received "prepared" of these */
unsigned manager : 2;       /* 0 init, 1 committed, 2 aborted; its state says which message it has sent to all */

#ifdef CHECK
#define PROMISE assert(!(committed && aborted))
#else
#define PROMISE skip
#endif

#define OPTIONS(i) \
    :: d_step { !((prepared | committed | aborted) & bit(i)) -> prepared = prepared | bit(i); sent = sent | bit(i) } \
    :: d_step { !((prepared | committed | aborted) & bit(i)) -> aborted = aborted | bit(i); PROMISE } \
    :: d_step { manager == 0 && (sent & bit(i)) && !(seen & bit(i)) -> seen = seen | bit(i) } \
    :: d_step { manager == 1 && !(committed & bit(i)) -> committed = committed | bit(i); prepared = prepared & ~bit(i); aborted = aborted & ~bit(i); PROMISE } \
    :: d_step { manager == 2 && !(aborted & bit(i)) -> aborted = aborted | bit(i); prepared = prepared & ~bit(i); committed = committed & ~bit(i); PROMISE }

active proctype system() {
end:
    do
    :: d_step { manager == 0 && seen == ALL -> manager = 1 }
    :: d_step { manager == 0 -> manager = 2 }
    OPTIONS(0)
#if N > 1
    OPTIONS(1)
#endif
#if N > 2
    OPTIONS(2)
#endif
#if N > 3
    OPTIONS(3)
#endif
#if N > 4
    OPTIONS(4)
#endif
#if N > 5
    OPTIONS(5)
#endif
#if N > 6
    OPTIONS(6)
#endif
#if N > 7
    OPTIONS(7)
#endif
#if N > 8
    OPTIONS(8)
#endif
#if N > 9
    OPTIONS(9)
#endif
    od
}
