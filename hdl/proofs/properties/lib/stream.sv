// The handshake of a stream, from its source: what waits goes on waiting and stays what it is; nothing is offered right after a
// reset.
module stream #(parameter W = 1) (
    input clock,
    input reset,
    input valid,
    input ready,
    input [W-1:0] data
);
    reg was_reset;
    reg waited;
    reg [W-1:0] then_data;
    initial was_reset = 0;
    initial waited = 0;
    always @(posedge clock) begin
        was_reset <= reset;
        waited <= valid & ~ready & ~reset;
        then_data <= data;
    end
    always @(*) begin
        quiet_after_reset: assert (~was_reset | ~valid);
        goes_on_waiting: assert (~waited | valid);
        stays_what_it_is: assert (~waited | (data == then_data));
    end
endmodule

// The same of a source that a block is given: what its environment keeps to.
module stream_given #(parameter W = 1) (
    input clock,
    input reset,
    input valid,
    input ready,
    input [W-1:0] data
);
    reg waited;
    reg [W-1:0] then_data;
    initial waited = 0;
    always @(posedge clock) begin
        waited <= valid & ~ready & ~reset;
        then_data <= data;
    end
    always @(*) begin
        assume (~waited | valid);
        assume (~waited | (data == then_data));
    end
endmodule

// A word that is inside is offered after at most LIMIT clocks.
module progress #(parameter LIMIT = 2) (
    input clock,
    input reset,
    input held,
    input valid
);
    reg [3:0] clocks;
    initial clocks = 0;
    always @(posedge clock) clocks <= (held & ~valid & ~reset) ? clocks + 1 : 0;
    always @(*) is_offered: assert (clocks <= LIMIT);
endmodule
