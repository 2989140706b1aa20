// The checksum block computes the formula of RFC 1624 (eqn. 3), for any checksum and delta, and keeps to the two special values of
// UDP: zero, no checksum, stays zero, and one that becomes zero is 0xffff. What the formula gives: checksum_anew.
//
// block: checksum
// depth: 6
// induction: 5
// mutant: a borrow of the first difference is not taken off again
// find: folded_s2_q <= low_s1 - borrow_s1;
// replace: folded_s2_q <= low_s1;
module proof(input clock, input [15:0] checksum, input [15:0] delta, input udp);
    wire [15:0] updated;
    block dut(.clock(clock), .checksum(checksum), .delta(delta), .udp(udp), .updated(updated));
    wire [15:0] sum = `ADD(~checksum, delta);
    wire [15:0] formula = (udp & (checksum == 0)) ? 0 : (udp & (sum == 16'hffff)) ? 16'hffff : ~sum;
    reg [3:0] valid;
    reg [63:0] due;
    initial valid = 0;
    always @(posedge clock) begin
        valid <= {valid[2:0], 1'b1};
        due <= {due[47:0], formula};
    end
    always @(*) the_block_is_the_formula: assert (~valid[3] | (updated == due[63:48]));
endmodule
