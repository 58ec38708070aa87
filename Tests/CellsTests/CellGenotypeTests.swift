import Cells
import ErrataCore
import Testing

@Suite("Genotypes of cells")
struct CellGenotypeTests {
    /// As published with DARTS's code.
    private let published = """
        Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), \
        ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], \
        normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), \
        ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), \
        ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])
        """
    private let small = CellGenotype(
        normal: .init(edges: [.init("a", 0), .init("b", 1)]),
        reduction: .init(edges: [.init("a", 1), .init("a", 0)]))

    private func failure(_ text: String) -> String {
        do { return "read as \(try CellGenotype(parsing: text))" } catch { return "\(error)" }
    }

    @Test("DARTS_V2 reads as published, and is written as published")
    func darts() throws {
        let genotype = try CellGenotype(parsing: published)
        #expect(
            genotype.normal.edges.map(\.operation) == [
                "sep_conv_3x3", "sep_conv_3x3", "sep_conv_3x3", "sep_conv_3x3", "sep_conv_3x3",
                "skip_connect", "skip_connect", "dil_conv_3x3",
            ])
        #expect(genotype.normal.edges.map(\.input) == [0, 1, 0, 1, 1, 0, 0, 2])
        #expect(genotype.reduction.edges.map(\.input) == [0, 1, 2, 1, 0, 2, 2, 1])
        #expect(genotype.reduction.concatenation == [2, 3, 4, 5])
        #expect(genotype.description == published)
    }

    @Test("Ranges, either quotes, line breaks, trailing commas and a name before it are the same genotype")
    func forms() throws {
        let text = """
            SMALL_1 = Genotype(
                normal = [("a", 0), ('b', 1,),],
                normal_concat=range(2, 3),
                reduce=[("a", 1), ("a", 0)],
                reduce_concat=[2]
            )
            """
        #expect(try CellGenotype(parsing: text) == small)
        #expect(
            try CellGenotype(parsing: "Genotype(normal=[('a',0),('b',1)],reduce=[('a',1),('a',0)])") == small)
    }

    @Test(
        "Errors stand at their line and column",
        arguments: [
            ("", "expected 'Genotype(normal=[('skip_connect', 0), …], reduce=[…])', found none"),
            ("Genotype", "found none"),
            ("Genotype(", "1:10: expected a name such as 'normal'"),
            ("Genotype(normal=[('a', 0), ('b', 1)]", "1:37: expected ')', found the end"),
            ("Genotype(normal=7)", "1:17: expected a list"),
            ("Genotype(normal=[('a', 0, 1)])", "1:18: expected an operation and its input"),
            ("Genotype(normal=[('a', 0), [('b', 1)]])", "edges beside lists of edges"),
            ("Genotype(normal=[[]], reduce=[])", "expected an operation and its input"),
            ("Genotype(normal=[[[[[[[[[[[[('a', 0)", "expected lists within lists to end here"),
            ("first\r\nsecond = Genotype(\r\n  normal=[('a' 0)])", "3:16: expected ')', found '0'"),
            ("Genotype(normal=[('a', 0)\n  ('b', 1)])", "2:3: expected ']', found '('"),
            ("Genotype(normal=[(a, 0)])", "1:19: expected a quoted name"),
            ("Genotype(normal=[('a, 0)])", "1:19: a quote is not closed"),
            ("Genotype(normal=[('a', x)])", "1:24: expected a whole number"),
            ("Genotype(normal=[('a', 99999999999999999999)])", "expected a whole number"),
            ("Genotype(normal=[], normal=[])", "'normal' is given twice"),
            ("Genotype(norm=[])", "'norm' is none of"),
            ("Genotype(normal_concat=range(2, 2000000000))", "no range of states"),
            ("Genotype(normal=[('a', 0), ('b', 1)])", "'reduce' is missing"),
            ("Genotype(normal=[('a', 0), ('b', 1)], reduce=[('a', 0), ('b', 2)])", "edge 1 of reduce takes"),
            ("Genotype(normal=[('a', 0)], reduce=[('a', 0), ('b', 1)])", "normal has 1 edges"),
            ("Genotype(normal=[('a', 0), ('b', 1)], normal_concat=[3], reduce=[])", "normal_concat is [3]"),
        ])
    func errors(text: String, message: String) {
        #expect(failure(text).contains(message), "\(failure(text))")
    }

    private let smallText = "Genotype(normal=[('a', 0), ('b', 1)], reduce=[('a', 1), ('a', 0)])"

    @Test("As people have them: in logs, files, messages; the last one of several")
    func wild() throws {
        let other = "Genotype(normal=[('x', 0), ('x', 1)], reduce=[('x', 1), ('x', 0)])"
        let texts = [
            "2018-06-27 13:25:46,379 genotype = \(smallText)",
            "epoch 1\ngenotype = \(other)\ntrain 0.5\ngenotype = \(smallText)\nvalid_acc 97.1\n",
            "# found on CIFAR-10\n\(smallText)",
            "\u{FEFF}# found on CIFAR-10\r\n\(smallText)\r\n",
            "\u{FEFF}\(smallText)",
            "\(smallText)\n  # SECOND = \(other)\n",
            """
            from collections import namedtuple
            Genotype = namedtuple('Genotype', 'normal normal_concat reduce reduce_concat')
            NASNet = \(other)
            # the small one
            SMALL = Genotype(  # of two edges
                normal=[
                    ('a', 0),  # first
                    ('b', 1),
                ],
                normal_concat=range(2, 3),
                reduce=[['a', 1], ["a", 0]],
            )
            BEST = SMALL
            """,
            "Genotype(normal=[[('a', 0), ('b', 1)]], reduce=[[('a', 1), ('a', 0)]])",
            "Genotype(normal=((('a', 0), ('b', 1)),), reduce=((('a', 1), ('a', 0)),))",
        ]
        for text in texts { #expect(try CellGenotype(parsing: text) == small, "\(text)") }
    }

    @Test("Nodes of other than two edges are written as a list for each node, and read back")
    func nodes() throws {
        let genotype = CellGenotype(
            normal: .init(nodes: [[.init("a", 0)], [.init("b", 0), .init("a", 1), .init("b", 2)]]),
            reduction: small.reduction)
        #expect(genotype.description.contains("normal=[[('a', 0)], [('b', 0), ('a', 1), ('b', 2)]], "))
        #expect(try CellGenotype(parsing: genotype.description) == genotype)
        #expect(try CellGenotype(decoding: genotype.encoded) == genotype)
        #expect(genotype.normal.graph(named: "normal").contains("\"0\" -> \"1\" [label=\"b\"]"))
    }

    @Test("Whether a file is YAML or text shows in trying")
    func files() throws {
        struct NoYAML: Error, Equatable {}
        func read(_ text: String, yaml: ConfigurationValue?) throws -> CellGenotype {
            try CellGenotype(reading: text, yaml: yaml.map { .success($0) } ?? .failure(NoYAML()))
        }
        let other = CellGenotype(normal: small.reduction, reduction: small.normal)
        // As a run writes it: YAML under the other form as a comment, here of another genotype.
        #expect(try read("# \(other)\nnormal: …", yaml: small.encoded) == small)
        #expect(try read("…", yaml: .mapping([.init("genotype", small.encoded)])) == small)
        #expect(try read("…", yaml: .mapping([.init("genotype", .string(smallText))])) == small)
        #expect(try read(smallText, yaml: .string(smallText)) == small)
        #expect(try read("lr: 3\n\(smallText)", yaml: .mapping([.init("lr", .literal("3"))])) == small)
        #expect(try read(smallText, yaml: nil) == small)
        #expect(throws: NoYAML.self) { try read("[", yaml: nil) }
        #expect(throws: GenotypeError.self) { try read("Genotype(normal", yaml: .null) }
        let absent = #expect(throws: GenotypeError.self) { try read("cells", yaml: .string("cells")) }
        #expect(absent?.isAbsent == true)
        let spoilt = ConfigurationValue.mapping([.init("normal", .null, at: .init("g", line: 2, column: 1))])
        #expect(throws: ConfigurationErrors.self) { try read("# \(other)", yaml: spoilt) }
    }

    @Test("Validation names what is wrong")
    func validation() {
        func failure(_ change: (inout CellGenotype) -> Void) -> String {
            var genotype = small
            change(&genotype)
            do { try genotype.validate(operations: ["a", "b"]) } catch { return "\(error)" }
            return ""
        }
        #expect(failure { _ in } == "")
        #expect(
            failure { $0.normal.nodes[0][1].operation = "c" }.contains(
                "edge 1 of normal is 'c', expected one of a, b: did you mean 'a'?"))
        #expect(failure { $0.reduction.nodes[0][0].input = 2 }.contains("edge 0 of reduce takes state 2"))
        #expect(failure { $0.reduction.nodes[0][0].input = -1 }.contains("takes state -1"))
        #expect(failure { $0.normal.concatenation = [] }.contains("normal_concat is []"))
        #expect(failure { $0.normal.concatenation = [2, 2] }.contains("normal_concat is [2, 2]"))
        #expect(failure { $0.normal.nodes = [] }.contains("normal has no nodes"))
        #expect(failure { $0.normal.nodes = [[]] }.contains("node 0 of normal has no edges"))
    }

    @Test("As a configuration value it reads back, as lists and as text")
    func configuration() throws {
        let genotype = try CellGenotype(parsing: published)
        #expect(try CellGenotype(decoding: genotype.encoded) == genotype)
        #expect(try CellGenotype(decoding: .string(published)) == genotype)
        #expect(
            genotype.encoded["reduce"]
                == .sequence(
                    genotype.reduction.edges.map {
                        .sequence([.string($0.operation), .literal("\($0.input)")])
                    }))
        let spoilt = ConfigurationValue.mapping([
            .init("normal", .sequence([.sequence([.string("a")])]), at: .init("g.yaml", line: 1, column: 1)),
            .init("reduced", .null),
        ])
        let error = #expect(throws: ConfigurationErrors.self) { try CellGenotype(decoding: spoilt) }
        #expect(error?.errors.map(\.path) == ["normal[0]", "reduced"])
        #expect(error?.errors[1].message.contains("did you mean 'reduce'?") == true)
    }

    @Test("The drawing has an arrow for each edge and each concatenated state")
    func drawing() throws {
        let cell = try CellGenotype(parsing: published).normal
        let graph = cell.graph(named: "normal")
        #expect(graph.hasPrefix("digraph normal {") && graph.hasSuffix("}\n"))
        let arrows = graph.split(separator: "\n").filter { $0.contains("->") }
        #expect(arrows.count == 12)
        #expect(arrows[7].contains("\"0\" -> \"3\" [label=\"dil_conv_3x3\"]"))
        #expect(arrows[5].contains("\"c_{k-2}\" -> \"2\" [label=\"skip_connect\"]"))
    }
}
