/* Two-phase commit for Spin as one writes it first: a process per resource manager and one for the transaction manager.
   -DN=9 sets the number of resource managers, -DCHECK asserts the invariant after each step that can break it. */
#ifndef N
#define N 3
#endif
#define ALL ((1 << N) - 1)
#define bit (1 << me)

unsigned prepared : N;
unsigned committed : N;
unsigned aborted : N;
unsigned sent : N;
unsigned seen : N;
unsigned manager : 2;

#ifdef CHECK
#define PROMISE assert(!(committed && aborted))
#else
#define PROMISE skip
#endif

proctype participant(byte me) {
end:
    do
    :: d_step { !((prepared | committed | aborted) & bit) -> prepared = prepared | bit; sent = sent | bit }
    :: d_step { !((prepared | committed | aborted) & bit) -> aborted = aborted | bit; PROMISE }
    :: d_step { manager == 0 && (sent & bit) && !(seen & bit) -> seen = seen | bit }
    :: d_step { manager == 1 && !(committed & bit) -> committed = committed | bit; prepared = prepared & ~bit; aborted = aborted & ~bit; PROMISE }
    :: d_step { manager == 2 && !(aborted & bit) -> aborted = aborted | bit; prepared = prepared & ~bit; committed = committed & ~bit; PROMISE }
    od
}

active proctype transaction_manager() {
end:
    do
    :: d_step { manager == 0 && seen == ALL -> manager = 1 }
    :: d_step { manager == 0 -> manager = 2 }
    od
}

init {
    byte i;
    atomic { do :: i < N -> run participant(i); i++ :: else -> break od; i = 0 }
}
