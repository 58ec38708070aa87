import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

extension ComponentCheck {
    mutating func check(_ generator: any ConditionalGenerator, _ bench: Bench) {
        checkTraining(generator.training)
        attempt("images") { try $0.checkImages(generator, bench) }
        attempt("losses") { try $0.checkLosses(generator, bench) }
        checkCheckpoints(generator, bench)
    }

    private mutating func checkTraining(_ training: AdversarialTraining) {
        expect(
            training.criticSteps >= 1, "critic steps", found: "\(training.criticSteps)",
            expected: "at least 1")
        expect(
            training.accumulation >= 1, "accumulation", found: "\(training.accumulation)",
            expected: "at least 1")
        if let average = training.average {
            expect(
                (0..<1).contains(average), "decay of the moving average", found: "\(average)",
                expected: "from 0 to below 1")
        }
    }

    private mutating func checkImages(_ generator: any ConditionalGenerator, _ bench: Bench) throws {
        let images = bench.images
        func made(_ labels: Tensor, _ mode: NormalizationMode, on backend: any Backend) throws -> Tensor {
            let noise = try generator.noise(
                bench.count, bench.dtype, on: backend, from: bench.random("noise"))
            let state = try bench.state(of: generator.layout, "generator", on: backend)
            return try generator.images(
                noise: noise, labels: labels,
                ForwardContext(
                    state, normalization: mode, time: bench.time, random: bench.random("masks")))
        }
        let noise = try generator.noise(
            bench.count, bench.dtype, on: bench.backend, from: bench.random("noise"))
        expect("how much noise is drawn", noise.shape.extents.first, equals: bench.count)
        expect("the noise's type", noise.dtype, equals: bench.dtype)
        try expectFinite("noise", [noise])
        for mode in [NormalizationMode.batch, .running] {
            let found = try made(bench.labels(on: bench.backend), mode, on: bench.backend)
            try expect("images", found, shape: [bench.count, images.height, images.width, images.channels])
            let outside = try found.doubles().filter { !(-1...1).contains($0) }
            expect(
                outside.isEmpty, "images", found: "\(outside.first ?? 0)", expected: "pixels in [−1, 1]")
        }
        func all(_ label: Int32) throws -> [UInt64] {
            let labels = try bench.backend.tensor(
                [Int32](repeating: label, count: bench.count), [bench.count])
            return try [made(labels, .running, on: bench.backend)].bits()
        }
        if images.classes > 1 {
            expect(
                try all(0) != all(1), "images of different classes from the same noise",
                found: "the same images", expected: "images that depend on the labels")
        }
        expectReproducible("images", bench) { [try made(bench.labels(on: $0), .batch, on: $0)] }
    }

    private mutating func checkLosses(_ generator: any ConditionalGenerator, _ bench: Bench) throws {
        let space = PartnerSpace()
        let layouts = [generator.layout, generator.discriminator.layout, space.architecture]
        let first = [
            0, layouts[0].parameters.count, layouts[0].parameters.count + layouts[1].parameters.count,
        ]
        let names = zip(["G's", "H's", "A's"], layouts).flatMap { owner, layout in
            layout.parameters.map { "\(owner) \($0.name)" }
        }
        let declared = Set(generator.metrics.map(\.name))
        var reported: Set<String> = []

        /// The loss as a function of G, H and A.
        func function(
            on backend: any Backend, _ loss: @escaping (AdversarialGame) throws -> Evaluation
        ) throws -> ScalarFunction {
            let states = try layouts.enumerated().map {
                try bench.state(of: $1, "model \($0)", on: backend)
            }
            let batch = try bench.batch("real", on: backend)
            let noise = try generator.noise(
                bench.count, bench.dtype, on: backend, from: bench.random("noise"))
            return ScalarFunction(names: names, point: states.flatMap(\.parameters)) { values in
                let g = Array(values[..<first[1]])
                let h = Array(values[first[1]..<first[2]])
                let a = Array(values[first[2]...])
                let generated = try generator.images(
                    noise: noise, labels: batch.labels,
                    ForwardContext(
                        ModelState(parameters: g, buffers: states[0].buffers), time: bench.time,
                        random: bench.random("masks of G")))
                func context(_ normalization: NormalizationMode, _ updates: BufferUpdates?) -> ForwardContext
                {
                    ForwardContext(
                        ModelState(parameters: h, buffers: states[1].buffers), normalization: normalization,
                        time: bench.time, random: bench.random("masks of H"), updates: updates)
                }
                let (batchContext, runningContext) = (
                    context(.batch, BufferUpdates()), context(.running, nil)
                )
                let evaluation = try loss(
                    AdversarialGame(
                        real: batch.images, generated: generated, labels: batch.labels,
                        random: bench.random("loss"), generator: g, discriminator: h,
                        score: { images, labels, normalization in
                            try generator.discriminator.scores(
                                images, labels: labels, architecture: a,
                                normalization == .running ? runningContext : batchContext.anotherPass())
                        }))
                reported.formUnion(evaluation.metrics.keys)
                return evaluation.value
            }
        }

        for (name, players, loss) in [
            ("the discriminator's loss", first[1]..<first[2], generator.discriminatorLoss),
            ("the generator's loss", 0..<first[1], generator.generatorLoss),
        ] {
            let scalar = try function(on: bench.backend, loss)
            let value = try scalar.value(scalar.point)
            expect("the shape of \(name)", value.count, equals: 1)
            try expectFinite(name, [value])
            checkDerivatives(name, of: scalar, bench)
            checkReached("gradients of \(name)", of: scalar, in: players)
            expectReproducible("gradients of \(name)", bench) {
                let scalar = try function(on: $0, loss)
                return try scalar.gradient(at: scalar.point).gradient
            }
            if !generator.discriminator.dependsOnArchitecture {
                let gradient = try scalar.gradient(at: scalar.point).gradient[first[2]...]
                expect(
                    try gradient.allSatisfy { try $0.doubles().allSatisfy { $0 == 0 } },
                    "the architecture in \(name)", found: "a gradient",
                    expected: "none, since the discriminator is declared not to depend on A")
            }
        }
        expect(
            reported.isSubset(of: declared), "metrics",
            found: reported.subtracting(declared).sorted().joined(separator: ", "), expected: "declared ones")
    }

    /// A checkpoint of each model after a step, with buffers, what the optimiser remembers and the average.
    private mutating func checkCheckpoints(_ generator: any ConditionalGenerator, _ bench: Bench) {
        for (name, layout, descent, average) in [
            ("generator", generator.layout, generator.training.generator, generator.training.average),
            ("discriminator", generator.discriminator.layout, generator.training.discriminator, nil),
        ] {
            attempt("the \(name)'s checkpoint") { check in
                let state = try bench.state(of: layout, name, on: bench.backend)
                let stepped = try descent.step(OptimizerState(), at: bench.time)(
                    state.parameters, gradients: state.parameters)
                let model = Model(
                    layout: layout,
                    state: ModelState(parameters: stepped.parameters, buffers: state.buffers),
                    optimizer: stepped.state, average: average.map { _ in state.parameters })
                _ = check.checkCheckpoint(
                    "the \(name)'s checkpoint", model, descent.optimizer, bench)
            }
        }
    }
}
