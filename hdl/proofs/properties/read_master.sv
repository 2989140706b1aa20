// The read half of the AXI4 master keeps to the protocol and is fair: an address stays valid and as it is until it is taken, none is
// valid in the clock after reset, no burst crosses 4 KiB when none was asked for that does, each address is one that was asked for,
// and neither client waits for more than one request of the other.
//
// block: read_master
// depth: 10
// induction: 3
// mutant: an address is replaced while it waits for the bus
// find: free = ~address_valid_q & tags_s_axis_ready;
// replace: free = tags_s_axis_ready;
module proof(input clock, input reset, input [63:0] d_address, input [7:0] d_beats, input [1:0] d_tag, input d_valid,
             input [63:0] f_address, input [7:0] f_beats, input [1:0] f_tag, input f_valid,
             input arready, input rvalid, input rlast, input [63:0] rdata, input [1:0] rresp);
    wire d_ready, f_ready, beat_valid, arvalid, rready;
    wire [67:0] beat;
    wire [63:0] araddr;
    wire [7:0] arlen;
    block dut(.clock(clock), .reset(reset),
        .s_axis_descriptor_data({d_tag, d_beats, d_address}), .s_axis_descriptor_valid(d_valid), .s_axis_descriptor_ready(d_ready),
        .s_axis_frame_data({f_tag, f_beats, f_address}), .s_axis_frame_valid(f_valid), .s_axis_frame_ready(f_ready),
        .beat_valid(beat_valid), .beat(beat), .m_axi_araddr(araddr), .m_axi_arlen(arlen), .m_axi_arvalid(arvalid),
        .m_axi_arready(arready), .m_axi_rdata(rdata), .m_axi_rresp(rresp), .m_axi_rlast(rlast), .m_axi_rvalid(rvalid),
        .m_axi_rready(rready));
    initial assume (reset);
    stream_given #(.W(74)) d(.clock(clock), .reset(reset), .valid(d_valid), .ready(d_ready), .data({d_tag, d_beats, d_address}));
    stream_given #(.W(74)) f(.clock(clock), .reset(reset), .valid(f_valid), .ready(f_ready), .data({f_tag, f_beats, f_address}));
    // What bursts, proven, gives them.
    wire [12:0] d_end = {1'b0, d_address[11:3], 3'b0} + {d_beats, 3'b0};
    wire [12:0] f_end = {1'b0, f_address[11:3], 3'b0} + {f_beats, 3'b0};
    always @(*) assume (~d_end[12] & ~f_end[12]);

    stream #(.W(72)) ar(.clock(clock), .reset(reset), .valid(arvalid), .ready(arready), .data({araddr, arlen}));
    wire [12:0] ar_end = {1'b0, araddr[11:3], 3'b0} + {arlen, 3'b0};
    wire d_goes = d_valid & d_ready;
    wire f_goes = f_valid & f_ready;
    reg d_seen, f_seen, taken, started;
    reg [71:0] due;
    initial d_seen = 0;
    initial f_seen = 0;
    initial taken = 0;
    initial started = 0;
    always @(posedge clock) begin
        started <= 1;
        // A frame's request went while a descriptor's waits, and the other way round.
        d_seen <= d_valid & ~d_goes & ~reset & (d_seen | f_goes);
        f_seen <= f_valid & ~f_goes & ~reset & (f_seen | d_goes);
        taken <= ~reset & (d_goes | f_goes | (taken & ~(arvalid & arready)));
        if (d_goes) due <= {d_beats, d_address};
        if (f_goes) due <= {f_beats, f_address};
    end
    always @(*) if (started & ~reset) begin
        one_in_turn: assert (~(d_goes & f_goes));
        descriptors_wait_for_one: assert (~(d_valid & ~d_goes & d_seen & f_goes));
        frames_wait_for_one: assert (~(f_valid & ~f_goes & f_seen & d_goes));
        within_4k: assert (~arvalid | ~ar_end[12]);
        as_asked: assert ((arvalid == taken) & (~arvalid | ({arlen, araddr} == due)));
    end
    always @(*) always_ready: assert (rready);
    (* hierconn *) wire \dut.frame_first_q ;
`ifdef INVARIANTS
    always @(*) if (started) begin
        assert (~d_seen | (~\dut.frame_first_q & d_valid));
        assert (~f_seen | (\dut.frame_first_q & f_valid));
    end
`endif
endmodule
