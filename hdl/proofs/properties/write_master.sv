// The write half of the AXI4 master keeps to the protocol and is fair: address and data stay valid and as they are until they are
// taken, none is valid in the clock after reset, no burst crosses 4 KiB when none was asked for that does, wlast marks the last of as
// many beats as the address said, and a client waits for one burst of each other at most.
//
// block: write_master
// depth: 12
// induction: 3
// mutant: the beats of a burst are counted from one too many
// find: last = ~|left_q;
// replace: last = ~|left_q[7:1];
module proof(input clock, input reset, input [2:0] r_valid, input [2:0] b_valid, input [63:0] r_address, input [7:0] r_beats,
             input closing, input [71:0] b_data, input awready, input wready, input [1:0] bresp, input bvalid);
    wire [2:0] r_ready, b_ready, done_to;
    wire [1:0] done;
    wire [63:0] awaddr, wdata;
    wire [7:0] awlen, wstrb;
    wire awvalid, wlast, wvalid, bready;
    wire [72:0] request = {closing, r_beats, r_address};
    block dut(.clock(clock), .reset(reset),
        .s_axis_completion_data(request), .s_axis_completion_valid(r_valid[0]), .s_axis_completion_ready(r_ready[0]),
        .s_axis_completion_beat_data(b_data), .s_axis_completion_beat_valid(b_valid[0]), .s_axis_completion_beat_ready(b_ready[0]),
        .s_axis_record_data(request), .s_axis_record_valid(r_valid[1]), .s_axis_record_ready(r_ready[1]),
        .s_axis_record_beat_data(b_data), .s_axis_record_beat_valid(b_valid[1]), .s_axis_record_beat_ready(b_ready[1]),
        .s_axis_frame_data(request), .s_axis_frame_valid(r_valid[2]), .s_axis_frame_ready(r_ready[2]),
        .s_axis_frame_beat_data(b_data), .s_axis_frame_beat_valid(b_valid[2]), .s_axis_frame_beat_ready(b_ready[2]),
        .completion_done(done_to[0]), .record_done(done_to[1]), .frame_done(done_to[2]), .done(done),
        .m_axi_awaddr(awaddr), .m_axi_awlen(awlen), .m_axi_awvalid(awvalid), .m_axi_awready(awready),
        .m_axi_wdata(wdata), .m_axi_wstrb(wstrb), .m_axi_wlast(wlast), .m_axi_wvalid(wvalid), .m_axi_wready(wready),
        .m_axi_bresp(bresp), .m_axi_bvalid(bvalid), .m_axi_bready(bready));
    initial assume (reset);
    // What bursts, proven, gives them.
    wire [12:0] r_end = {1'b0, r_address[11:3], 3'b0} + {r_beats, 3'b0};
    always @(*) assume (~r_end[12]);

    stream #(.W(72)) aw(.clock(clock), .reset(reset), .valid(awvalid), .ready(awready), .data({awaddr, awlen}));
    stream #(.W(73)) w(.clock(clock), .reset(reset), .valid(wvalid), .ready(wready), .data({wdata, wstrb, wlast}));
    wire [12:0] aw_end = {1'b0, awaddr[11:3], 3'b0} + {awlen, 3'b0};
    wire [2:0] goes = r_valid & r_ready;
    reg started;
    initial started = 0;
    always @(posedge clock) started <= 1;

    // Fairness: who waits goes on waiting; each other goes once at most.
    (* anyconst *) wire [1:0] who;
    reg waited;
    reg [2:0] seen;
    wire waits = r_valid[who] & ~goes[who] & ~reset;
    initial waited = 0;
    initial seen = 0;
    always @(posedge clock) begin
        waited <= waits;
        seen <= waits ? seen | goes : 0;
    end
    always @(*) assume ((who < 3) & (~waited | r_valid[who]));

    // Bursts begun and not yet told to the bus, and the beats of the last one begun.
    reg [7:0] beats, moved;
    reg moving;
    wire b_goes = |(b_valid & b_ready);
    initial moving = 0;
    always @(posedge clock) begin
        if (b_goes) moved <= moved + 1;
        if (b_goes & (moved == beats)) moving <= 0;
        if (goes != 0) begin
            beats <= r_beats;
            moved <= 0;
            moving <= 1;
        end
        if (reset) moving <= 0;
    end
    // What goes into the register before the pins, a skid buffer (skid).
    (* hierconn *) wire [72:0] \dut.pins_s_axis_data ;
    (* hierconn *) wire \dut.pins_s_axis_valid ;
    (* hierconn *) wire \dut.pins_s_axis_ready ;
    always @(*) if (started & ~reset) begin
        one_goes: assert ((goes & (goes - 1)) == 0);
        each_other_once: assert (~waits | ((seen & goes) == 0));
        within_4k: assert (~awvalid | ~aw_end[12]);
        beats_of_a_burst_only: assert (~b_goes | moving);
        every_beat_moves: assert ((\dut.pins_s_axis_valid & \dut.pins_s_axis_ready ) == b_goes);
        last_is_last: assert (~b_goes | (\dut.pins_s_axis_data [72] == (moved == beats)));
        next_after_the_last: assert ((goes == 0) | ~moving | (b_goes & (moved == beats)));
    end
    always @(*) always_ready: assert (bready);
    (* hierconn *) wire [1:0] \dut.client_q ;
    (* hierconn *) wire [7:0] \dut.left_q ;
    (* hierconn *) wire [7:0] \dut.beats_q ;
    (* hierconn *) wire \dut.moving_q ;
    initial assume (\dut.client_q < 3);
`ifdef INVARIANTS
    wire [1:0] way = (\dut.client_q + 3 - who) % 3;
    always @(*) assert (\dut.client_q < 3);
    always @(*) if (started) begin
        assert (moving == \dut.moving_q );
        assert (~moving | (\dut.left_q == beats - moved));
        assert (~moving | (moved <= beats));
        assert (~(awvalid & moving) | (\dut.beats_q == beats));
        assert (waited | (seen == 0));
    end
    genvar j;
    generate for (j = 0; j < 3; j = j + 1) begin : other
        always @(*) if (started & seen[j]) assert (((j + 3 - who) % 3 <= way) & (j != who) & (\dut.client_q != who));
    end endgenerate
`endif
endmodule
