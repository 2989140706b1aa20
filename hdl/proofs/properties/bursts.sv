// A transfer is cut into bursts none of which crosses 4 KiB, or even 128 bytes: each begins where the one before ended, together they
// are the transfer, the last one is marked; what waits stays as it is.
//
// block: bursts
// depth: 12
// induction: 3
// mutant: the room before a boundary is one beat too large
// find: fits = left_q <= ((room) & 12'hfff);
// replace: fits = left_q <= ((room) & 12'hfff) + 1;
module proof(input clock, input reset, input start, input [63:0] address, input [11:0] beats, input m_ready);
    wire busy, m_valid;
    wire [72:0] m_data;
    block dut(.clock(clock), .reset(reset), .start(start), .address(address), .beats(beats), .busy(busy),
        .m_axis_data(m_data), .m_axis_valid(m_valid), .m_axis_ready(m_ready));
    initial assume (reset);
    always @(*) assume (~start | (~busy & (beats != 0)));
    stream #(.W(73)) out(.clock(clock), .reset(reset), .valid(m_valid), .ready(m_ready), .data(m_data));

    wire [63:0] at = m_data[63:0];
    wire [7:0] length = m_data[71:64];
    wire closing = m_data[72];
    wire [12:0] in_page = {1'b0, at[11:0]} + {length, 3'b0};
    wire [7:0] in_block = {1'b0, at[6:0]} + {length[3:0], 3'b0};
    // Where the next burst has to begin, and the beats that are left.
    reg [63:0] due;
    reg [11:0] left;
    reg running, started;
    initial running = 0;
    initial started = 0;
    always @(posedge clock) begin
        started <= 1;
        if (m_valid & m_ready) begin
            due <= due + {length + 9'd1, 3'b0};
            left <= left - length - 1;
            if (closing) running <= 0;
        end
        if (start) begin
            due <= {address[63:3], 3'b0};
            left <= beats;
            running <= 1;
        end
        if (reset) running <= 0;
    end
    always @(*) if (started & ~reset & m_valid) begin
        within_4k: assert (~in_page[12]);
        within_128: assert ((length < 16) & ~in_block[7]);
        one_after_the_other: assert (running & (at == due));
        no_more_than_there_are: assert (length < left);
        the_last_is_marked: assert (closing == (length + 1 == left));
    end
`ifdef INVARIANTS
    (* hierconn *) wire [56:0] \dut.high_q ;
    (* hierconn *) wire [3:0] \dut.place_q ;
    (* hierconn *) wire [11:0] \dut.left_q ;
    (* hierconn *) wire \dut.cutting_q ;
    wire [11:0] shown = m_valid ? length + 1 : 0;
    always @(*) if (started) begin
        assert (busy == running);
        if (\dut.cutting_q ) assert ((\dut.left_q != 0) & (\dut.left_q == left - shown) & (shown < left));
        if (\dut.cutting_q ) assert ({\dut.high_q , \dut.place_q , 3'b0} == due + {shown, 3'b0});
        if (m_valid) assert (closing == ~\dut.cutting_q );
    end
`endif
endmodule
