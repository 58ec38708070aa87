import CPUEngine
import Cells
import ErrataCore
import Foundation
import NeuralNetworks
import PDARTS
import TensorEngine
import Testing

@Suite("Stages of a cell space")
struct ProgressiveSearchTests {
    private let backend: CPUBackend
    private let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)

    init() throws { backend = try CPUBackend(threads: 1) }

    private func settings(_ change: (inout CellSpaceSettings) -> Void = { _ in }) -> CellSpaceSettings {
        var settings = CellSpaceSettings.progressive
        (settings.channels, settings.cells, settings.nodes, settings.stemMultiplier) = (2, 3, 2, 1)
        for (stage, added) in [0, 1, 2].enumerated() { settings.stages[stage].addedCells = added }
        change(&settings)
        return settings
    }

    /// α of both kinds, drawn.
    private func architecture(of space: CellSearchSpace, seed: UInt64) -> [Tensor] {
        space.architecture.parameters.enumerated().map { index, parameter in
            backend.normal(
                parameter.shape, .float64, from: RandomStream(seed: seed).derived(UInt64(index)))
        }
    }

    @Test("P-DARTS's own values: 5, 11 and 17 cells, 8, 5 and 3 operations on each edge")
    func published() throws {
        var space = try CellSearchSpace(.progressive)
        let images = ImageSpecification(height: 32, width: 32, channels: 3, classes: 10)
        for (cells, candidates) in [(5, 8), (11, 5), (17, 3)] {
            #expect(space.architecture.parameters.map(\.shape) == [[14, candidates], [14, candidates]])
            let names = try space.supernet(for: images).layout.parameters.map(\.name)
            #expect(names.contains { $0.hasPrefix("cells.\(cells - 1).") })
            #expect(!names.contains { $0.hasPrefix("cells.\(cells).") })
            if let next = try space.next(after: architecture(of: space, seed: 1)) { space = next }
        }
        #expect(space.stages == 3 && space.settings.normalSkips == 2)
        let last = try space.next(after: architecture(of: space, seed: 1))
        if last != nil { Issue.record("a fourth stage") }
    }

    @Test("An edge loses its weakest operations, the first of equals, and keeps one that computes")
    func pruning() throws {
        let edges = try CandidateEdges(
            nodes: 1, operations: [.zero, .maxPool3x3, .skipConnect, .separableConvolution(3)])
        let alpha = try backend.tensor([3, 1, 0, 2, 0, 1, 1, 1], [2, 4])
        func kept(_ count: Int) throws -> [[String]] {
            try edges.keeping(count, strongestIn: alpha).edges.map { $0.map(\.name) }
        }
        #expect(
            try kept(3) == [
                ["none", "max_pool_3x3", "sep_conv_3x3"], ["max_pool_3x3", "skip_connect", "sep_conv_3x3"],
            ])
        #expect(try kept(2) == [["none", "sep_conv_3x3"], ["skip_connect", "sep_conv_3x3"]])
        #expect(try kept(1) == [["sep_conv_3x3"], ["sep_conv_3x3"]])
    }

    @Test("The weakest skip connection gives way to the next best, on its edge or on another")
    func skips() throws {
        let edges = try CandidateEdges(
            nodes: 2, operations: [.zero, .skipConnect, .maxPool3x3, .separableConvolution(3)])
        // In rows of an equal sum of exponentials, so that α orders operations across edges.
        func row(_ weights: [Double]) -> [Double] { weights.map { log($0 / weights.reduce(0, +)) } }
        let alpha = try backend.tensor(
            [
                row([1, 60, 30, 9]), row([1, 50, 9, 40]),
                row([40, 45, 5, 10]), row([10, 40, 25, 25]), row([1, 20, 35, 44]),
            ].flatMap(\.self), [5, 4])
        func cell(_ skips: Int?) throws -> String {
            try edges.cell(alpha, skips: skips).nodes.map { edges in
                edges.map { "\($0.operation)~\($0.input)" }.joined(separator: " ")
            }.joined(separator: " | ")
        }
        #expect(
            try cell(nil)
                == "skip_connect~0 skip_connect~1 | skip_connect~0 sep_conv_3x3~2")
        #expect(try cell(3) == cell(nil))
        // The second node's first edge was 45 by its skip connection, and is 10 without it: the second edge's skip
        // connection, of 40, takes its place, which is a third one again and goes too; its next best is a pool of 25.
        #expect(try cell(2) == "skip_connect~0 skip_connect~1 | sep_conv_3x3~2 max_pool_3x3~1")
        #expect(try cell(1) == "skip_connect~0 sep_conv_3x3~1 | sep_conv_3x3~2 max_pool_3x3~1")
        #expect(try cell(0) == "sep_conv_3x3~1 max_pool_3x3~0 | sep_conv_3x3~2 max_pool_3x3~1")
    }

    @Test(
        "Every cap is met, with two edges a node and never none; a cap that nothing exceeds changes nothing")
    func caps() throws {
        for seed in 0..<40 as Range<UInt64> {
            var space = try CellSearchSpace(settings { $0.nodes = 4 })
            while let next = try space.next(after: architecture(of: space, seed: seed)) { space = next }
            let architecture = try architecture(of: space, seed: seed + 1000).enumerated().map {
                index, alpha in
                // Skip connections are strong.
                try alpha
                    + backend.tensor(
                        space.candidates[index == 0 ? .normal : .reduction]!.edges.flatMap(\.self).map {
                            $0.name == "skip_connect" ? 1.5 : 0
                        }, alpha.shape)
            }
            func skips(_ genotype: CellGenotype) -> Int {
                genotype.normal.edges.count { $0.operation == "skip_connect" }
            }
            let free = try space.genotype(of: architecture, normalSkips: nil)
            for cap in 0...8 {
                let capped = try space.genotype(of: architecture, normalSkips: cap)
                #expect(skips(capped) <= cap)
                #expect(capped.normal.nodes.allSatisfy { $0.count == 2 && $0[0].input != $0[1].input })
                #expect(!capped.normal.edges.contains { $0.operation == "none" })
                #expect(capped.reduction == free.reduction)
                if cap >= skips(free) { #expect(capped == free) }
            }
            let alternatives = try space.alternatives(of: architecture)
            #expect(alternatives.map(\.name) == (0..<skips(free)).map { "skips-\($0)" })
            for (cap, alternative) in alternatives.enumerated() {
                #expect(
                    try alternative.genotype == space.genotype(of: architecture, normalSkips: cap))
            }
            #expect(try space.genotype(of: architecture) == space.genotype(of: architecture, normalSkips: 2))
        }
    }

    @Test("What a stage has left is read back, and only by a space of its kind")
    func narrowing() throws {
        let space = try CellSearchSpace(settings())
        #expect(space.narrowing == nil)
        let next = try #require(try space.next(after: architecture(of: space, seed: 3)))
        let narrowing = try #require(next.narrowing)
        let again = try space.narrowed(by: narrowing)
        #expect(again.narrowing == narrowing)
        #expect(again.architecture.parameters.map(\.shape) == [[5, 5], [5, 5]])
        #expect(
            try again.supernet(for: images).layout.parameters.map(\.name)
                == next.supernet(for: images).layout.parameters.map(\.name))
        #expect(throws: (any Error).self) {
            try CellSearchSpace(settings { $0.nodes = 3 }).narrowed(by: narrowing)
        }
        #expect(throws: (any Error).self) { try CellSearchSpace().narrowed(by: narrowing) }
    }

    @Test("Dropout after skip connections falls within a stage, and spares evaluation")
    func skipDropout() throws {
        func logits(_ rate: Double, _ context: (ModelState) -> ForwardContext) throws -> [Double] {
            let space = try CellSearchSpace(
                settings { $0.stages = [.init(skipDropout: rate)] })
            let supernet = try space.supernet(for: images)
            let state = try supernet.layout.initialState(on: backend, .float64, from: .init(seed: 2))
            let x = backend.normal([2, 8, 8, 1], .float64, from: RandomStream(seed: 4))
            return try supernet.logits(x, architecture: architecture(of: space, seed: 5), context(state))
                .doubles()
        }
        func training(_ rate: Double, _ time: TrainingTime = .init()) throws -> [Double] {
            try logits(rate) { ForwardContext($0, time: time, random: .init(seed: 6)) }
        }
        #expect(try training(0) != training(0.7))
        let running = { ForwardContext($0, normalization: .running) }
        #expect(try logits(0.7, running) == logits(0, running))
        // While A waits: 0.5·(4 − 1 − 1)/4. Then e^−0.2 an epoch.
        let warm = TrainingTime(epoch: 1, epochs: 4, warmup: 2)
        #expect(try training(0.5, warm) == training(0.25, TrainingTime(epoch: 0, epochs: 1, warmup: 0)))
        let later = TrainingTime(epoch: 3, epochs: 4, warmup: 2)
        #expect(try training(0.5, later) == training(0.5 * exp(-0.2)))
        #expect(try training(0.5, TrainingTime(epoch: 2, epochs: 4, warmup: 2)) == training(0.5))
    }

    @Test("Settings that do not go together are refused by name")
    func refused() {
        func failure(_ change: (inout CellSpaceSettings) -> Void) -> String {
            do {
                _ = try CellSearchSpace(settings(change))
                return "none"
            } catch { return "\(error)" }
        }
        #expect(failure { _ in } == "none")
        #expect(
            failure { $0.stages[2].candidates = 6 }.hasPrefix("search_space.stages[2].candidates: 6, more"))
        #expect(
            failure { $0.stages[0].candidates = 5 }.hasPrefix("search_space.stages[0].candidates: 5, but"))
        #expect(failure { $0.stages[2].candidates = 2 }.hasPrefix("search_space.normal_skips: "))
        #expect(
            failure {
                $0.stages[2].candidates = 2
                $0.normalSkips = nil
            } == "none")
        #expect(failure { $0.partialChannels = 4 }.hasPrefix("search_space.partial_channels: 2 channels"))
    }
}
