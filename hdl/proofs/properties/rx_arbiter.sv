// The receive arbiter is fair and keeps frames whole: a port with a frame waits for at most one frame of each other port, no beat
// of another port comes between two of a frame, a frame goes in only with a credit, and none waits while nobody is served.
//
// block: rx_arbiter
// depth: 10
// induction: 3
// mutant: a port that was served counts as one behind the last
// find: behind_2_d = passed;\n            passed = passed | chosen_2;
// replace: passed = passed | chosen_2;\n            behind_2_d = passed;
module proof(input clock, input reset, input [3:0] offers, input [3:0] beat_valid, input [3:0] beat_last, input [7:0] beat,
             input [19:0] frame, input [7:0] head, input m_ready, input credit);
    wire [3:0] frame_ready, beat_ready;
    wire [7:0] m_data, m_head;
    wire [19:0] m_frame;
    wire m_last, m_valid, m_head_valid, credit_taken;
    block dut(.clock(clock), .reset(reset),
        .s_axis_frame_0_data(frame), .s_axis_frame_0_valid(offers[0]), .s_axis_frame_0_ready(frame_ready[0]),
        .s_axis_frame_1_data(frame), .s_axis_frame_1_valid(offers[1]), .s_axis_frame_1_ready(frame_ready[1]),
        .s_axis_frame_2_data(frame), .s_axis_frame_2_valid(offers[2]), .s_axis_frame_2_ready(frame_ready[2]),
        .s_axis_frame_3_data(frame), .s_axis_frame_3_valid(offers[3]), .s_axis_frame_3_ready(frame_ready[3]),
        .s_head_valid_0(offers[0]), .s_head_valid_1(offers[1]), .s_head_valid_2(offers[2]), .s_head_valid_3(offers[3]),
        .s_head_0(head), .s_head_1(head), .s_head_2(head), .s_head_3(head),
        .s_axis_beats_0_data(beat), .s_axis_beats_0_last(beat_last[0]), .s_axis_beats_0_valid(beat_valid[0]), .s_axis_beats_0_ready(beat_ready[0]),
        .s_axis_beats_1_data(beat), .s_axis_beats_1_last(beat_last[1]), .s_axis_beats_1_valid(beat_valid[1]), .s_axis_beats_1_ready(beat_ready[1]),
        .s_axis_beats_2_data(beat), .s_axis_beats_2_last(beat_last[2]), .s_axis_beats_2_valid(beat_valid[2]), .s_axis_beats_2_ready(beat_ready[2]),
        .s_axis_beats_3_data(beat), .s_axis_beats_3_last(beat_last[3]), .s_axis_beats_3_valid(beat_valid[3]), .s_axis_beats_3_ready(beat_ready[3]),
        .m_axis_data(m_data), .m_axis_last(m_last), .m_axis_valid(m_valid), .m_axis_ready(m_ready), .m_frame(m_frame),
        .m_head_valid(m_head_valid), .m_head(m_head), .credit(credit), .credit_taken(credit_taken));
    initial assume (reset);

    stream #(.W(29)) out(.clock(clock), .reset(reset), .valid(m_valid), .ready(m_ready), .data({m_data, m_last, m_frame}));

    wire [3:0] begun = frame_ready & offers;
    wire [3:0] moved = beat_ready & beat_valid;
    wire [3:0] ended = moved & beat_last;
    // What ports keep to: a frame that is offered stays, with its first beat.
    reg [3:0] offered;
    reg in_frame;
    reg [3:0] owner;
    initial offered = 0;
    initial in_frame = 0;
    initial owner = 0;
    always @(posedge clock) begin
        offered <= reset ? 0 : offers & ~begun;
        if (begun != 0) owner <= begun;
        if (begun != 0) in_frame <= 1;
        if (ended != 0) in_frame <= 0;
        if (reset) in_frame <= 0;
    end
    always @(*) begin
        assume ((offered & ~offers) == 0);
        assume (in_frame | ((offers & ~beat_valid) == 0));
    end

    (* anyconst *) wire [1:0] who;
    reg [3:0] seen;
    initial seen = 0;
    wire waits = offers[who] & ~begun[who] & ~reset;
    always @(posedge clock) seen <= waits ? seen | begun : 0;
    always @(*) if (~reset) begin
        each_other_once: assert (~waits | ((seen & begun) == 0));
        one_at_a_time: assert ((begun & (begun - 1)) == 0);
        only_with_credit: assert ((begun == 0) | (credit & ~in_frame));
        credit_counted: assert (credit_taken == (begun != 0));
        frames_are_whole: assert (~in_frame | ((moved & ~owner) == 0));
        a_frame_begins_with_its_first_beat: assert (in_frame | (moved == begun));
        nobody_waits_for_nothing: assert (in_frame | ~credit | (m_valid & ~m_ready) | (offers == 0) | (begun != 0));
    end

    (* hierconn *) wire \dut.in_frame_q ;
    (* hierconn *) wire \dut.behind_0_q ;
    (* hierconn *) wire \dut.behind_1_q ;
    (* hierconn *) wire \dut.behind_2_q ;
    (* hierconn *) wire \dut.behind_3_q ;
    (* hierconn *) wire \dut.granted_0_q ;
    (* hierconn *) wire \dut.granted_1_q ;
    (* hierconn *) wire \dut.granted_2_q ;
    (* hierconn *) wire \dut.granted_3_q ;
    wire [3:0] behind = {\dut.behind_3_q , \dut.behind_2_q , \dut.behind_1_q , \dut.behind_0_q };
    wire [3:0] granted = {\dut.granted_3_q , \dut.granted_2_q , \dut.granted_1_q , \dut.granted_0_q };
    // The port behind which the search begins.
    wire [1:0] last = behind[1] ? 0 : behind[2] ? 1 : behind[3] ? 2 : 3;
    wire [1:0] way = last - who;
    initial assume (behind == 0);
`ifdef INVARIANTS
    reg started;
    initial started = 0;
    always @(posedge clock) started <= 1;
    genvar j;
    always @(*) if (started) begin
        assert (in_frame == \dut.in_frame_q );
        assert (~in_frame | (granted == owner));
        assert (~in_frame | (owner == (4'b0001 << last)));
        assert ((seen == 0) | offered[who]);
        assert (behind == 4'b0000 | behind == 4'b1000 | behind == 4'b1100 | behind == 4'b1110);
    end
    generate for (j = 0; j < 4; j = j + 1) begin : other
        wire [1:0] there = j - who;
        always @(*) if (started & seen[j]) assert ((there <= way) & (there != 0));
    end endgenerate
`endif
endmodule
