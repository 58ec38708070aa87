import CPUEngine
import Cells
import DARTS
import ErrataCore
import NeuralNetworks
import TensorEngine
import Testing

@Suite("Derived networks")
struct DerivedNetworkTests {
    let backend: CPUBackend
    let genotype = CellGenotype(
        normal: .init(edges: [.init("sep_conv_3x3", 0), .init("skip_connect", 1)]),
        reduction: .init(edges: [.init("skip_connect", 0), .init("dil_conv_3x3", 1)]))

    init() throws { backend = try CPUBackend(threads: 2) }

    private func network(
        _ settings: CellNetworkSettings, size: Int = 8,
        operations: [CellOperation] = CellOperation.darts,
        _ genotype: CellGenotype? = nil
    ) throws -> DerivedNetwork {
        try DerivedNetwork(
            genotype ?? self.genotype, operations: operations, settings,
            for: .init(height: size, width: size, channels: 1, classes: 3))
    }

    private func normal(_ shape: Shape, _ label: String) throws -> Tensor {
        try backend.normal(shape, .float64, from: RandomStream(seed: 1, label)).reshaped(to: shape)
    }

    @Test("Settings are read by their keys, within their bounds")
    func settings() throws {
        func read(_ entries: [(String, String)]) throws -> CellNetworkSettings {
            try .init(decoding: .mapping(entries.map { .init($0, .literal($1)) }))
        }
        #expect(
            try read([])
                == .init(channels: 36, cells: 20, auxiliary: true, auxiliaryWeight: 0.4, dropPath: 0.3))
        let all = [
            ("channels", "5"), ("cells", "7"), ("stem", "imagenet"), ("auxiliary", "false"),
            ("auxiliary_weight", "0.7"), ("auxiliary_norm", "true"), ("drop_path", "0.1"),
        ]
        let expected = CellNetworkSettings(
            channels: 5, cells: 7, stem: .imagenet, auxiliary: false, auxiliaryWeight: 0.7,
            auxiliaryNorm: true,
            dropPath: 0.1)
        #expect(try read(all) == expected)
        #expect(try CellNetworkSettings(decoding: expected.encoded) == expected)
        for wrong in [("channels", "0"), ("cells", "0"), ("auxiliary_weight", "-1"), ("drop_path", "1")] {
            #expect(throws: ConfigurationErrors.self) { try read([wrong]) }
        }
    }

    @Test("Channels and cells size the network")
    func size() throws {
        func layout(_ channels: Int, _ cells: Int) throws -> ModelLayout {
            try network(.init(channels: channels, cells: cells, auxiliary: false)).layout
        }
        let (small, wide, deep) = (try layout(2, 3), try layout(4, 3), try layout(2, 5))
        #expect(small.parameters.map(\.name) == wide.parameters.map(\.name))
        #expect(wide.parameters[0].shape == [3, 3, 1, 12] && small.parameters[0].shape == [3, 3, 1, 6])
        #expect(deep.parameters.contains { $0.name.hasPrefix("cells.4.") })
        #expect(!small.parameters.contains { $0.name.hasPrefix("cells.3.") })
    }

    @Test(
        "The loss is the cross-entropy, and the auxiliary head's with its weight; only training has the head")
    func auxiliaryHead() throws {
        let images = try normal([4, 32, 32, 1], "images")
        let labels = try backend.tensor([Int32(0), 1, 2, 0], [4])
        func losses(_ settings: CellNetworkSettings) throws -> (loss: Double, main: Double, head: Double?) {
            let network = try network(settings, size: 32)
            let state = try network.layout.initialState(on: backend, .float64, from: .init(seed: 2))
            let context = ForwardContext(state)
            let outputs = try network.outputs(images, context, withAuxiliary: true)
            let (loss, logits) = try network.trainingLoss(
                images, targets: Targets(labels, smoothing: 0.1), context)
            #expect(try logits.doubles() == outputs.logits.doubles())
            #expect(try network.logits(images, context).doubles() == outputs.logits.doubles())
            func entropy(_ logits: Tensor) throws -> Double {
                try logits.crossEntropy(labels, labelSmoothing: 0.1).item()
            }
            return (try loss.item(), try entropy(outputs.logits), try outputs.auxiliary.map(entropy))
        }
        for weight in [0.4, 1.5] {
            let found = try losses(.init(channels: 2, cells: 3, auxiliaryWeight: weight, dropPath: 0))
            let head = try #require(found.head)
            #expect(abs(found.loss - (found.main + weight * head)) < 1e-12)
            #expect(head > 0.1)
        }
        let without = try losses(.init(channels: 2, cells: 3, auxiliary: false, dropPath: 0))
        #expect(without.head == nil && without.loss == without.main)
    }

    @Test("Images too small for the auxiliary head, and too few cells, are refused by the settings' names")
    func refused() throws {
        func failure(_ settings: CellNetworkSettings, size: Int) -> String {
            do { _ = try network(settings, size: size) } catch { return "\(error)" }
            return ""
        }
        #expect(failure(.init(channels: 2, cells: 3), size: 28).hasPrefix("evaluation.network.auxiliary: "))
        #expect(failure(.init(channels: 2, cells: 3), size: 28).contains("29×29"))
        #expect(failure(.init(channels: 2, cells: 3), size: 29) == "")
        #expect(
            failure(.init(channels: 2, cells: 2, auxiliary: false), size: 8)
                .hasPrefix("evaluation.network.cells: "))
        #expect(failure(.init(channels: 2, cells: 3, stem: .imagenet), size: 192).contains("193×193"))
        #expect(failure(.init(channels: 2, cells: 3, stem: .imagenet), size: 193) == "")
        #expect(
            failure(.init(channels: 1, cells: 3, stem: .imagenet, auxiliary: false), size: 64)
                .hasPrefix("evaluation.network.channels: "))
    }

    /// All ones, whatever comes in.
    private static let ones = CellOperation("ones") { _, _, stride, _ in
        ComposedOperation { x, _ in
            try x.averagePool(PoolingWindow(size: 1, stride: stride, padding: 0)) * 0 + 1
        }
    }

    /// A feature of each node, at most three, of a network's last cell, whose operations give ones: what drop path makes
    /// of them, image by image [400, 3].
    private func features(
        dropPath: Double, epoch: Int, _ mode: NormalizationMode = .batch,
        operation: CellOperation = Self.ones,
        nodes: [[CellGenotype.Edge]] = [[.init("ones", 0)]]
    ) throws -> [Double] {
        let cell = CellGenotype.Cell(nodes: nodes)
        let network = try network(
            .init(channels: 1, cells: 4, auxiliary: false, dropPath: dropPath), operations: [operation],
            .init(normal: cell, reduction: cell))
        var state = try network.layout.initialState(on: backend, .float64, from: .init(seed: 2))
        // The last cell has 4 channels a node; each class's logit is one of them.
        let names = network.layout.parameters.map(\.name)
        let weight = try #require(names.firstIndex(of: "classifier.weight"))
        let bias = try #require(names.firstIndex(of: "classifier.bias"))
        state.parameters[weight] = try backend.tensor(
            (0..<(12 * nodes.count)).map { $0 / 12 == $0 % 3 ? 0.25 : 0 }, [4 * nodes.count, 3])
        state.parameters[bias] = try backend.tensor([0.0, 0, 0], [3])
        return try network.logits(
            normal([400, 8, 8, 1], "images"),
            ForwardContext(
                state, normalization: mode, time: .init(epoch: epoch, epochs: 4), random: .init(seed: 7))
        ).doubles()
    }

    @Test(
        "Drop path grows linearly over the epochs; what is kept is divided by the probability of keeping it")
    func dropPath() throws {
        func first(_ dropPath: Double, _ epoch: Int, _ mode: NormalizationMode = .batch) throws -> [Double] {
            let found = try features(dropPath: dropPath, epoch: epoch, mode)
            return stride(from: 0, to: found.count, by: 3).map { found[$0] }
        }
        for (rate, epoch) in [(0.8, 1), (0.8, 3), (0.4, 2)] {
            let probability = rate * Double(epoch) / 4
            let found = try first(rate, epoch)
            #expect(found.allSatisfy { $0 == 0 || abs($0 - 1 / (1 - probability)) < 1e-12 })
            // An image's whole path, its channels together: five standard deviations.
            let share = Double(found.count { $0 == 0 }) / 400
            #expect(abs(share - probability) < 5 * (probability * (1 - probability) / 400).squareRoot())
        }
        #expect(try first(0.8, 0).allSatisfy { $0 == 1 })
        #expect(try first(0, 3).allSatisfy { $0 == 1 })
        #expect(try first(0.8, 3, .running).allSatisfy { $0 == 1 })
    }

    @Test("Every edge is dropped by itself")
    func masks() throws {
        // Kept operations count 2: each edge's image is there or not, whatever the others are.
        let ones = CellGenotype.Edge("ones", 0)
        let found = try features(
            dropPath: 1.0.nextDown, epoch: 2, nodes: [[ones], [ones], [ones, ones]])
        let rows = stride(from: 0, to: found.count, by: 3).map { row in
            found[row..<(row + 3)].map { ($0 / 2).rounded() }
        }
        let kinds = Set(rows)
        for a in 0...1 {
            for b in 0...1 { for c in 0...2 { #expect(kinds.contains([a, b, c].map(Double.init))) } }
        }
    }

    @Test("Every operation of a node draws its own random numbers")
    func operationsDraw() throws {
        let drops = ComposedOperation { x, context in try x.dropout(rate: 0.5, from: context.random) }
        let x = try backend.tensor([Double](repeating: 0.5, count: 64), [1, 4, 4, 4])
        let context = ForwardContext(ModelState(parameters: [], buffers: []))
        let found = try CellNode([(0, drops), (0, drops)]).sum(of: [x], context).doubles()
        #expect(Set(found) == [0, 1, 2])
    }

    /// All ones that pass for the identity.
    private struct SpareOnes: EdgeOperation {
        let ones: any EdgeOperation
        var norms: [BatchNorm?] { [nil] }
        var isIdentity: Bool { true }

        func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) throws {
            try ones.addBranch(to: &sum, source: source, context)
        }
    }

    @Test("Drop path spares the identity alone")
    func identity() throws {
        let spare = CellOperation("ones") {
            SpareOnes(ones: Self.ones.operation($0, channels: $1, stride: $2, affine: $3)!)
        }
        let found = try features(dropPath: 0.8, epoch: 3, operation: spare)
        #expect(stride(from: 0, to: found.count, by: 3).allSatisfy { found[$0] == 1 })
        for operation in CellOperation.darts where operation.computes {
            for stride in 1...2 {
                let built = operation.operation(
                    LayoutBuilder().root, channels: 2, stride: stride, affine: true)
                #expect(built?.isIdentity == (operation.name == "skip_connect" && stride == 1))
            }
        }
    }

    @Test("A supernet at a one-hot architecture is the derived network, with batch statistics")
    func oneHot() throws {
        var configuration = CellSpaceSettings()
        (configuration.channels, configuration.cells, configuration.nodes) = (2, 4, 2)
        let space = try CellSearchSpace(configuration)
        let images = ImageSpecification(height: 8, width: 8, channels: 3, classes: 4)
        // No pools: the search follows them with batch norm, derived networks do not.
        let genotype = CellGenotype(
            normal: .init(edges: [
                .init("sep_conv_3x3", 1), .init("dil_conv_5x5", 0), .init("skip_connect", 2),
                .init("sep_conv_5x5", 0),
            ]),
            reduction: .init(edges: [
                .init("skip_connect", 0), .init("dil_conv_3x3", 1), .init("sep_conv_3x3", 2),
                .init("skip_connect", 1),
            ]))
        let names = CellOperation.darts.map(\.name)
        let architecture = try [genotype.normal, genotype.reduction].map { cell -> Tensor in
            var values = [Double](repeating: 0, count: 5 * 8)
            for (edge, (node, input)) in [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)].enumerated() {
                let chosen = cell.nodes[node].first { $0.input == input }?.operation ?? "none"
                values[edge * 8 + names.firstIndex(of: chosen)!] = 2000
            }
            return try backend.tensor(values, [5, 8])
        }
        #expect(
            try Set(space.genotype(of: architecture).normal.edges) == Set(genotype.normal.edges))

        let supernet = try space.supernet(for: images)
        let derived = try space.network(
            genotype, .init(channels: 2, cells: 4, auxiliary: false, dropPath: 0), for: images)
        let mixed = try supernet.layout.initialState(on: backend, .float64, from: .init(seed: 1))
        var state = try derived.layout.initialState(on: backend, .float64, from: .init(seed: 2))
        let places = Dictionary(
            uniqueKeysWithValues: supernet.layout.parameters.enumerated().map { ($1.name, $0) })
        /// The name in the supernet of a tensor of the derived network.
        func supernetName(_ name: String) -> String {
            var parts = name.split(separator: ".").map(String.init)
            if parts.count > 4, parts[0] == "cells", parts[2] == "edges", let edge = Int(parts[3]) {
                let kind: CellKind = parts[1] == "1" || parts[1] == "2" ? .reduction : .normal
                let input = genotype[kind].edges[edge].input
                parts.replaceSubrange(2...3, with: ["nodes", "\(edge / 2)", "edges", "\(input)"])
            }
            return parts.joined(separator: ".")
        }
        for (index, entry) in derived.layout.parameters.enumerated() {
            if let place = places[supernetName(entry.name)] {
                state.parameters[index] = mixed.parameters[place]
            } else {
                // γ and β, which the search does not have, begin as 1 and 0.
                #expect(entry.name.hasSuffix("scale") || entry.name.hasSuffix("shift"))
            }
        }
        let pictures = try normal([6, 8, 8, 3], "pictures")
        let updates = (BufferUpdates(), BufferUpdates())
        let one = try supernet.logits(
            pictures, architecture: architecture, ForwardContext(mixed, updates: updates.0)
        ).doubles()
        let other = try derived.logits(pictures, ForwardContext(state, updates: updates.1)).doubles()
        #expect(zip(one, other).allSatisfy { abs($0 - $1) < 1e-12 })
        // The running estimates that a network is evaluated with have moved alike.
        let moved = (try updates.0.updated(mixed.buffers), try updates.1.updated(state.buffers))
        for (index, entry) in derived.layout.buffers.enumerated() {
            let place = supernet.layout.buffers.firstIndex { $0.name == supernetName(entry.name) }
            let one = try moved.0[#require(place)].doubles()
            let other = try moved.1[index].doubles()
            #expect(zip(one, other).allSatisfy { abs($0 - $1) < 1e-12 }, "\(entry.name)")
            #expect(try state.buffers[index].doubles() != other, "\(entry.name)")
        }
        #expect(one.contains { abs($0) > 1e-3 })
    }
}
