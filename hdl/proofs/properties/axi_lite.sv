// The register port s_axil keeps to AXI4-Lite: both responses stay valid and as they are until they are taken, none is valid in the
// clock after reset, and there is one for each access that was taken, no more.
//
// block: axi_lite
// depth: 14
// induction: 3
// mutant: the next write is taken while the answer of the last one waits
// find: ~write_take_q & ~writing_q & ~answer_q & ~hold;
// replace: ~write_take_q & ~writing_q & ~hold;
module proof(input clock, input reset, input hold, input [11:0] awaddr, input awvalid, input [31:0] wdata, input [3:0] wstrb,
             input wvalid, input bready, input write_done, input [11:0] araddr, input arvalid, input rready, input read_done,
             input [31:0] read_data);
    wire awready, wready, bvalid, arready, rvalid, write_valid, read_valid;
    wire [1:0] bresp, rresp;
    wire [31:0] rdata, write_data;
    wire [9:0] write_at, read_at;
    block dut(.clock(clock), .reset(reset), .hold(hold),
        .s_axil_awaddr(awaddr), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
        .s_axil_wdata(wdata), .s_axil_wstrb(wstrb), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
        .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(bready),
        .s_axil_araddr(araddr), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
        .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(rready),
        .write_valid(write_valid), .write_at(write_at), .write_data(write_data), .write_done(write_done),
        .read_valid(read_valid), .read_at(read_at), .read_done(read_done), .read_data(read_data));
    initial assume (reset);
    // The bus keeps to the protocol too; a write is done and a read answered once, after it was handed on.
    stream_given #(.W(12)) aw(.clock(clock), .reset(reset), .valid(awvalid), .ready(awready), .data(awaddr));
    stream_given #(.W(36)) w(.clock(clock), .reset(reset), .valid(wvalid), .ready(wready), .data({wdata, wstrb}));
    stream_given #(.W(12)) ar(.clock(clock), .reset(reset), .valid(arvalid), .ready(arready), .data(araddr));
    reg asked;
    initial asked = 0;
    always @(posedge clock) asked <= ~reset & ((asked & ~read_done) | read_valid);
    always @(*) assume (~read_done | asked);
    reg under_way;
    initial under_way = 0;
    always @(posedge clock) under_way <= ~reset & ((under_way & ~write_done) | write_valid);
    always @(*) assume (~write_done | under_way);

    stream #(.W(2)) b(.clock(clock), .reset(reset), .valid(bvalid), .ready(bready), .data(bresp));
    stream #(.W(34)) r(.clock(clock), .reset(reset), .valid(rvalid), .ready(rready), .data({rdata, rresp}));

    // Accesses taken and not yet answered.
    reg [3:0] addresses, words, reads;
    initial addresses = 0;
    initial words = 0;
    initial reads = 0;
    always @(posedge clock) begin
        addresses <= reset ? 0 : addresses + (awvalid & awready) - (bvalid & bready);
        words <= reset ? 0 : words + (wvalid & wready) - (bvalid & bready);
        reads <= reset ? 0 : reads + (arvalid & arready) - (rvalid & rready);
    end
    reg started;
    initial started = 0;
    always @(posedge clock) started <= 1;
    always @(*) if (started & ~reset) begin
        a_response_for_a_write: assert (~bvalid | ((addresses != 0) & (words != 0)));
        a_response_for_a_read: assert (~rvalid | (reads != 0));
        one_write_at_a_time: assert (addresses + (awvalid & awready) <= 1);
        one_read_at_a_time: assert (reads + (arvalid & arready) <= 1);
    end
    always @(*) if (started) ready_for_both_halves: assert (awready == wready);
`ifdef INVARIANTS
    (* hierconn *) wire \dut.write_take_q ;
    (* hierconn *) wire \dut.write_go_q ;
    (* hierconn *) wire \dut.writing_q ;
    (* hierconn *) wire \dut.answer_q ;
    (* hierconn *) wire \dut.read_take_q ;
    (* hierconn *) wire \dut.read_go_q ;
    (* hierconn *) wire \dut.reading_q ;
    (* hierconn *) wire \dut.word_valid_q ;
    always @(*) if (started) begin
        assert (addresses == words);
        assert (addresses == \dut.writing_q + \dut.answer_q );
        assert (\dut.write_take_q + \dut.writing_q + \dut.answer_q <= 1);
        assert (~\dut.write_go_q | \dut.writing_q );
        assert (~under_way | (\dut.writing_q & ~\dut.write_go_q ));
        assert (~\dut.write_take_q | (awvalid & wvalid));
        assert (reads == \dut.reading_q + \dut.word_valid_q );
        assert (\dut.read_take_q + \dut.reading_q + \dut.word_valid_q <= 1);
        assert (~\dut.read_take_q | arvalid);
        assert (~\dut.read_go_q | \dut.reading_q );
        assert (~asked | (\dut.reading_q & ~\dut.read_go_q ));
    end
`endif
endmodule
