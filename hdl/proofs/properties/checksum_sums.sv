// Ones' complement sums do not depend on the order or the grouping of their words, so what is proven of one word that changes
// (checksum_anew, checksum_ttl) holds for several: addresses, ports, any number, with the sum of their deltas as delta.
//
// block: checksum
// depth: 1
// induction: 1
// mutant: a carry that ends around is not added
// find: ones_fold = sum[15:0] + sum[16];
// replace: ones_fold = sum[15:0];
module proof(input clock, input [15:0] a, input [15:0] b, input [15:0] c);
    wire [15:0] ab = `ADD(a, b);
    wire [15:0] bc = `ADD(b, c);
    wire [15:0] ab_c = `ADD(ab, c);
    wire [15:0] a_bc = `ADD(a, bc);
    wire [15:0] ba = `ADD(b, a);
    wire [15:0] a0 = `ADD(a, 16'd0);
    always @(*) begin
        any_grouping: assert (ab_c == a_bc);
        any_order: assert (ab == ba);
        zero_adds_nothing: assert (a0 == a);
        zero_only_of_zeros: assert ((ab != 0) | ((a | b) == 0));
    end
endmodule
