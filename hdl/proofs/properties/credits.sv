// Credits never let in more frames than there is room for, count every frame once, and are all given: one may go in whenever fewer
// are out than the count allows.
//
// block: credits
// depth: 12
// induction: 2
// mutant: a frame that comes out while one goes in counts as one less
// find: if (returned & ~taken) begin
// replace: if (returned) begin
module proof(input clock, input reset, input taken, input returned);
    wire credit;
    block dut(.clock(clock), .reset(reset), .taken(taken), .returned(returned), .credit(credit));
    initial assume (reset);

    // Frames that are out: wider than the block's own count, so that nothing wraps unseen.
    reg [9:0] frames;
    reg was_reset;
    initial frames = 0;
    initial was_reset = 1;
    always @(posedge clock) begin
        frames <= reset ? 0 : frames + taken - returned;
        was_reset <= reset;
    end
    localparam ROOM = 64;
    always @(*) begin
        // What the environment keeps to; the arbiter's half is proven in rx_arbiter.
        assume (~taken | credit);
        assume (~returned | (frames != 0));
    end
    always @(*) if (~reset) begin
        no_overflow: assert (frames <= ROOM);
        no_underflow: assert (~returned | (frames != 0));
        all_are_given: assert (was_reset | (credit == (frames < ROOM - 1)));
    end
    (* hierconn *) wire [6:0] \dut.count_q ;
`ifdef INVARIANTS
    reg started;
    initial started = 0;
    always @(posedge clock) started <= 1;
    always @(*) if (started) begin
        assert (\dut.count_q == frames);
        assert (~was_reset | ~credit);
        assert (~was_reset | (frames == 0));
        assert (frames <= ROOM);
    end
`endif
endmodule
