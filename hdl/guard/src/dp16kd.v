// A block RAM of an ECP5 (Lattice FPGA-TN-02204, ECP5 and ECP5-5G Memory User Guide; pins as yosys' mapping has them), for simulation and lint:
// both ports as wide as each other, port A writes and port B reads, no reset, no chip select. Each port's outputs go through its own register,
// also where both are one word: the guide does not say whose register the other half has, so here it is the stricter of both. A read of the word that is written is undefined in
// hardware; here it gives the complement of the old word, which nobody can take for either.
module DP16KD #(
    parameter DATA_WIDTH_A = 18, parameter DATA_WIDTH_B = 18, parameter REGMODE_A = "NOREG", parameter REGMODE_B = "NOREG",
    parameter RESETMODE = "SYNC", parameter ASYNC_RESET_RELEASE = "SYNC", parameter CSDECODE_A = "0b000", parameter CSDECODE_B = "0b000",
    parameter CLKAMUX = "CLKA", parameter CLKBMUX = "CLKB", parameter WRITEMODE_A = "NORMAL", parameter WRITEMODE_B = "NORMAL",
    parameter GSR = "ENABLED"
) (
    input CLKA, CEA, WEA, OCEA, RSTA, CSA2, CSA1, CSA0,
    input CLKB, CEB, WEB, OCEB, RSTB, CSB2, CSB1, CSB0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
    // Address pins count bits of memory, those of 9 and of 8 alike.
    localparam BELOW = DATA_WIDTH_A == 36 ? 5 : DATA_WIDTH_A == 18 ? 4 : DATA_WIDTH_A == 9 ? 3 : DATA_WIDTH_A == 4 ? 2 : DATA_WIDTH_A == 2 ? 1 : 0;
    localparam WORDS = 16384 >> BELOW;
    wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
    wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
    wire [35:0] din = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0, DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
    // The lowest address pins are byte enables of a wide word.
    wire [3:0] bytes = DATA_WIDTH_A == 36 ? ada[3:0] : DATA_WIDTH_A == 18 ? {2'b00, ada[1:0]} : 4'b0001;
    wire [35:0] mask = {{9{bytes[3]}}, {9{bytes[2]}}, {9{bytes[1]}}, {9{bytes[0]}}};
    wire write = CEA & WEA & (CSDECODE_A == "0b000") & ~(CSA2 | CSA1 | CSA0);
    wire read = CEB & ~WEB & (CSDECODE_B == "0b000") & ~(CSB2 | CSB1 | CSB0);
    reg [35:0] mem [0:WORDS-1];
    reg [35:0] word;
    reg [35:0] out;
    reg [17:0] narrow;
    integer i;
    initial begin
        for (i = 0; i < WORDS; i = i + 1) mem[i] = 0;
        word = 0;
        out = 0;
        narrow = 0;
    end
    always @(posedge CLKA) if (write) mem[ada >> BELOW] <= (mem[ada >> BELOW] & ~mask) | (din & mask);
    always @(posedge CLKB) begin
        if (read) word <= write && (ada >> BELOW) == (adb >> BELOW) ? ~mem[adb >> BELOW] : mem[adb >> BELOW];
        if (OCEA) out[17:0] <= word[17:0];
        if (OCEB) out[35:18] <= word[35:18];
        if (OCEB) narrow <= word[17:0];
    end
    wire [17:0] low = REGMODE_A == "OUTREG" ? out[17:0] : word[17:0];
    wire [17:0] high = REGMODE_B == "OUTREG" ? out[35:18] : word[35:18];
    wire [17:0] dout = REGMODE_B == "OUTREG" ? narrow : word[17:0];
    // A word that is as wide as both ports lies across them; any other is at port B.
    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = DATA_WIDTH_B == 36 ? low : 18'd0;
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = DATA_WIDTH_B == 36 ? high : dout;
endmodule
