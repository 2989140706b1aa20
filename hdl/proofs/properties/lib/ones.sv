// Ones' complement arithmetic of 16 bits (RFC 1071), as a checksum is made of it.
`define ADD(a, b) ones_fold({1'b0, a} + {1'b0, b})
function automatic [15:0] ones_fold(input [16:0] sum);
    ones_fold = sum[15:0] + sum[16];
endfunction
