//! Encapsulations at the verilated card, case by case: what is taken off, what is put on, what padding becomes, what is too long and what is
//! refused. The frames of [`by_hand`] are written out byte by byte; elsewhere etherparse puts together what is due. The rig's golden model
//! watches besides.

mod by_hand;
mod lab;
mod limits;
mod refused;
mod shapes;
