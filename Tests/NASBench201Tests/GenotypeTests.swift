import ErrataCore
import NASBench201
import Testing

@Suite("Cells of NAS-Bench-201 as text and numbers")
struct GenotypeTests {
    /// The best of CIFAR-10's (Dong and Yang, 2020).
    private static let text =
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"

    @Test("Each of the 15,625 is written and read, and has a number of its own")
    func all() throws {
        var texts = Set<String>()
        for number in 0..<NASBench201Genotype.count {
            let genotype = NASBench201Genotype(number: number)
            guard genotype.number == number, try NASBench201Genotype(parsing: "\(genotype)") == genotype
            else {
                Issue.record("\(number): \(genotype)")
                return
            }
            texts.insert("\(genotype)")
        }
        #expect(texts.count == 15_625)
        #expect("\(NASBench201Genotype(number: 1))".hasSuffix("avg_pool_3x3~2|") == false)
        #expect(
            "\(NASBench201Genotype(number: 1))" == "|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|")
        #expect("\(NASBench201Genotype(number: 3125))".hasPrefix("|skip_connect~0|+|none~0|"))
    }

    @Test("The last cell of a log is read, in quotes too; its picture has its edges")
    func log() throws {
        let genotype = try NASBench201Genotype(
            parsing: "epoch 1: \(NASBench201Genotype(number: 7))\nepoch 2: '\(Self.text)', done\n")
        #expect("\(genotype)" == Self.text)
        #expect(try NASBench201Genotype(decoding: genotype.encoded) == genotype)
        let dot = try #require(genotype.drawings.first?.dot)
        #expect(genotype.drawings.map(\.name) == ["cell"])
        #expect(
            dot.components(separatedBy: "->").count == 7 && dot.contains("0 -> 3 [label=\"skip_connect\"]"))
        let empty = try #require(NASBench201Genotype(number: 0).drawings.first?.dot)
        #expect(!empty.contains("->"))
    }

    @Test(
        "What is wrong is said with its place",
        arguments: [
            ("nothing of the kind", "genotype: expected a cell such as"),
            (
                "|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|",
                "genotype: 1:2: 'nor_conv_5x5' is no operation"
            ),
            (
                "x\n |none~1|+|none~0|none~1|+|none~0|none~1|none~2|",
                "genotype: 2:8: '1', expected '0' for edge 0 into node 1"
            ),
            ("|none~0|+|none~0|+|none~0|none~1|none~2|", "genotype: 1:18: '' is no operation"),
            ("|none~0|+|none~0|none~1|+|none~0|none~1|", "genotype: 1:41: '' is no operation"),
            ("|none~0||none~0|none~1|", "genotype: 1:9: '|', expected '+' between the nodes"),
            ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|+", "genotype: 1:48: more behind the cell"),
        ])
    func malformed(_ text: String, _ message: String) {
        let error = #expect(throws: GenotypeError.self) { try NASBench201Genotype(parsing: text) }
        #expect(error.map { "\($0)".hasPrefix(message) } == true, "\(error.map { "\($0)" } ?? "")")
        #expect(error?.isAbsent == (text == "nothing of the kind"))
    }
}
