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
        operations: [CellOperation] = DARTSSearchSpace.operations,
        _ genotype: CellGenotype? = nil
    ) throws -> DerivedNetwork {
        try DerivedNetwork(
            genotype ?? self.genotype, operations: operations, settings,
            for: .init(height: size, width: size, channels: 1, classes: 3))
    }

    private func normal(_ shape: Shape, _ label: String) throws -> Tensor {
        try backend.normal(shape, .float64, from: RandomStream(seed: 1, label)).reshaped(to: shape)
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
                images, labels: labels, labelSmoothing: 0.1, context)
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
    }

    /// All ones, whatever comes in.
    private static let ones = CellOperation("ones") { _, _, stride, _ in
        ComposedOperation { x, _ in
            try x.averagePool(PoolingWindow(size: 1, stride: stride, padding: 0)) * 0 + 1
        }
    }

    /// The features of a network whose cells each have one node of one edge, an operation that gives ones: what drop
    /// path makes of them, image by image and channel by channel.
    private func features(
        dropPath: Double, epoch: Int, _ mode: NormalizationMode = .batch, operation: CellOperation = Self.ones
    ) throws -> [Double] {
        let cell = CellGenotype.Cell(nodes: [[.init("ones", 0)]])
        let network = try network(
            .init(channels: 3, cells: 4, auxiliary: false, dropPath: dropPath), operations: [operation],
            .init(normal: cell, reduction: cell))
        var state = try network.layout.initialState(on: backend, .float64, from: .init(seed: 2))
        // 12 features to 3 classes: each class's logit is one feature.
        let names = network.layout.parameters.map(\.name)
        let weight = try #require(names.firstIndex(of: "classifier.weight"))
        let bias = try #require(names.firstIndex(of: "classifier.bias"))
        state.parameters[weight] = try backend.tensor(
            (0..<36).map { $0 / 3 == $0 % 3 ? 1.0 : 0 }, [12, 3])
        state.parameters[bias] = try backend.tensor([0.0, 0, 0], [3])
        let images = try normal([400, 8, 8, 1], "images")
        return try network.logits(
            images,
            ForwardContext(
                state, normalization: mode, time: .init(epoch: epoch, epochs: 4), random: .init(seed: 7))
        ).doubles()
    }

    @Test(
        "Drop path grows linearly over the epochs; what is kept is divided by the probability of keeping it")
    func dropPath() throws {
        for (rate, epoch) in [(0.8, 1), (0.8, 3), (0.4, 2)] {
            let probability = rate * Double(epoch) / 4
            let found = try features(dropPath: rate, epoch: epoch)
            let dropped = found.filter { $0 == 0 }
            #expect(found.allSatisfy { $0 == 0 || abs($0 - 1 / (1 - probability)) < 1e-12 })
            // An image's whole path: its channels are dropped together. Five standard deviations.
            let share = Double(dropped.count) / Double(found.count)
            #expect(abs(share - probability) < 5 * (probability * (1 - probability) / 400).squareRoot())
            #expect(stride(from: 0, to: found.count, by: 3).allSatisfy { found[$0] == found[$0 + 1] })
        }
        #expect(try features(dropPath: 0.8, epoch: 0).allSatisfy { $0 == 1 })
        #expect(try features(dropPath: 0, epoch: 3).allSatisfy { $0 == 1 })
        #expect(try features(dropPath: 0.8, epoch: 3, .running).allSatisfy { $0 == 1 })
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
        #expect(try features(dropPath: 0.8, epoch: 3, operation: spare).allSatisfy { $0 == 1 })
        for operation in DARTSSearchSpace.operations where operation.computes {
            for stride in 1...2 {
                let built = operation.operation(
                    LayoutBuilder().root, channels: 2, stride: stride, affine: true)
                #expect(built?.isIdentity == (operation.name == "skip_connect" && stride == 1))
            }
        }
    }

    @Test("A supernet at a one-hot architecture is the derived network, with batch statistics")
    func oneHot() throws {
        var configuration = DARTSConfiguration()
        (configuration.channels, configuration.cells, configuration.nodes) = (2, 4, 2)
        let space = try DARTSSearchSpace(configuration)
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
        let names = DARTSSearchSpace.operations.map(\.name)
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
        for (index, entry) in derived.layout.parameters.enumerated() {
            var parts = entry.name.split(separator: ".").map(String.init)
            if parts.count > 4, parts[0] == "cells", parts[2] == "edges", let edge = Int(parts[3]) {
                let cell = try #require(Int(parts[1]))
                let kind: CellKind = cell == 4 / 3 || cell == 2 * 4 / 3 ? .reduction : .normal
                let input = genotype[kind].edges[edge].input
                parts.replaceSubrange(2...3, with: ["nodes", "\(edge / 2)", "edges", "\(input)"])
            }
            if let place = places[parts.joined(separator: ".")] {
                state.parameters[index] = mixed.parameters[place]
            } else {
                // γ and β, which the search does not have, begin as 1 and 0.
                #expect(["scale", "shift"].contains(parts.last))
            }
        }
        let pictures = try normal([6, 8, 8, 3], "pictures")
        let one = try supernet.logits(pictures, architecture: architecture, ForwardContext(mixed)).doubles()
        let other = try derived.logits(pictures, ForwardContext(state)).doubles()
        #expect(zip(one, other).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(one.contains { abs($0) > 1e-3 })
    }
}
