// A transmit port is fair: a whole frame that waits, of the flow table or of the host, waits for one frame of the other at most, and
// no beat of one comes between two of the other, and neither waits while nobody is served. Its pins: axis_out.
//
// block: tx_port
// depth: 18
// induction: 3
// mutant: the host gets its turn only when the flow table has no frame
// find: host_turn_q <= host_m_axis_valid;
// replace: host_turn_q <= host_m_axis_valid & ~queue_m_axis_valid;
module proof(input clock, input reset, input [63:0] flow_data, input flow_last, input flow_valid, input [19:0] frame_flow,
             input [63:0] host_data, input host_last, input host_valid, input [19:0] frame_host, input tail_drop, input tready);
    wire flow_ready, host_ready, tlast, tvalid, sent_valid, full_valid;
    wire [63:0] tdata;
    wire [7:0] tkeep;
    wire [15:0] sent_length;
    block dut(.clock(clock), .reset(reset),
        .s_axis_flow_data(flow_data), .s_axis_flow_last(flow_last), .s_axis_flow_valid(flow_valid), .s_axis_flow_ready(flow_ready),
        .frame_flow(frame_flow), .s_axis_host_data(host_data), .s_axis_host_last(host_last), .s_axis_host_valid(host_valid),
        .s_axis_host_ready(host_ready), .frame_host(frame_host), .tail_drop(tail_drop),
        .m_axis_tdata(tdata), .m_axis_tkeep(tkeep), .m_axis_tlast(tlast), .m_axis_tvalid(tvalid), .m_axis_tready(tready),
        .sent_valid(sent_valid), .sent_length(sent_length), .full_valid(full_valid));
    initial assume (reset);

    // The ends of both stores, where whole frames wait.
    (* hierconn *) wire \dut.queue_m_axis_valid ;
    (* hierconn *) wire \dut.queue_m_axis_ready ;
    (* hierconn *) wire [67:0] \dut.queue_m_axis_data ;
    (* hierconn *) wire \dut.host_m_axis_valid ;
    (* hierconn *) wire \dut.host_m_axis_ready ;
    (* hierconn *) wire [67:0] \dut.host_m_axis_data ;
    wire flow_moves = \dut.queue_m_axis_valid & \dut.queue_m_axis_ready ;
    wire host_moves = \dut.host_m_axis_valid & \dut.host_m_axis_ready ;
    reg in_flow, in_host, flow_seen, host_seen, started;
    wire flow_begins = flow_moves & ~in_flow;
    wire host_begins = host_moves & ~in_host;
    initial in_flow = 0;
    initial in_host = 0;
    initial flow_seen = 0;
    initial host_seen = 0;
    initial started = 0;
    always @(posedge clock) begin
        started <= 1;
        if (flow_moves) in_flow <= ~\dut.queue_m_axis_data [64];
        if (host_moves) in_host <= ~\dut.host_m_axis_data [64];
        // A frame of the other began while one waits.
        flow_seen <= \dut.queue_m_axis_valid & ~in_flow & ~flow_begins & (flow_seen | host_begins);
        host_seen <= \dut.host_m_axis_valid & ~in_host & ~host_begins & (host_seen | flow_begins);
        if (reset) {in_flow, in_host, flow_seen, host_seen} <= 0;
    end
    always @(*) if (started & ~reset) begin
        one_at_a_time: assert (~(flow_moves & host_moves));
        whole_frames: assert (~(in_flow & host_moves) & ~(in_host & flow_moves));
        flow_waits_for_one: assert (~(flow_seen & host_begins));
        host_waits_for_one: assert (~(host_seen & flow_begins));
    end
    // Somebody has a frame, the pins' register is free, nothing moves: for one clock at most, in which the turn changes.
    (* hierconn *) wire \dut.out_s_axis_ready ;
    wire idle = (\dut.queue_m_axis_valid | \dut.host_m_axis_valid ) & ~in_flow & ~in_host & \dut.out_s_axis_ready & ~flow_moves & ~host_moves;
    reg was_idle;
    initial was_idle = 0;
    always @(posedge clock) was_idle <= idle & ~reset;
    always @(*) nobody_waits_for_nothing: assert (~(was_idle & idle));
    (* hierconn *) wire \dut.host_turn_q ;
    (* hierconn *) wire \dut.in_frame_q ;
`ifdef INVARIANTS
    always @(*) if (started) begin
        assert (\dut.in_frame_q == (in_flow | in_host));
        assert (~in_flow | ~\dut.host_turn_q );
        assert (~in_host | \dut.host_turn_q );
        assert (~host_seen | \dut.host_m_axis_valid );
        assert (~flow_seen | \dut.queue_m_axis_valid );
        assert (~host_seen | in_flow | \dut.host_turn_q );
        assert (~flow_seen | in_host | ~\dut.host_turn_q );
    end
`endif
endmodule
