import ErrataCore
import Experiments
import NeuralNetworks
import TensorEngine

extension ComponentCheck {
    /// A search space, stage by stage.
    ///
    /// - Parameter networkSettings: of the evaluation network; its defaults where absent.
    mutating func check(
        _ space: some SearchSpace, networkSettings: ConfigurationValue?, _ bench: Bench
    ) {
        checkDerivatives(space, bench)
        let settings = attempt("the network's settings") { try $0.settings(of: space, networkSettings) }
        if let settings { checkGenotype(space, settings, bench) }
        checkSigns(space, bench)
        checkStages(space, bench)
        if let space = space as? any OneHotSpace { checkOneHot(space, bench) }
    }

    private func settings<Space: SearchSpace>(of space: Space, _ value: ConfigurationValue?) throws
        -> Space.NetworkSettings
    {
        try Space.NetworkSettings(decoding: value ?? .mapping([]))
    }

    private mutating func checkDerivatives(_ space: some SearchSpace, _ bench: Bench) {
        let architecture = space.architecture
        expect(
            architecture.parameterCount > 0, "architecture", found: "no parameter", expected: "at least one")
        expect("buffers of the architecture", architecture.buffers.count, equals: 0)
        attempt("supernet") { check in
            let supernet = try space.supernet(for: bench.images)
            let count = architecture.parameters.count
            func loss(_ batch: Int, on backend: any Backend) throws -> ScalarFunction {
                let a = try bench.state(of: architecture, "architecture \(batch)", on: backend)
                let weights = try bench.state(of: supernet.layout, "weights \(batch)", on: backend)
                let images = try bench.batch("images \(batch)", on: backend)
                return ScalarFunction(
                    names: architecture.parameters.map { "A's \($0.name)" }
                        + supernet.layout.parameters.map(\.name),
                    point: a.parameters + weights.parameters
                ) { values in
                    try supernet.logits(
                        images.images, architecture: Array(values[..<count]),
                        ForwardContext(
                            ModelState(parameters: Array(values[count...]), buffers: weights.buffers),
                            time: bench.time, random: bench.random("masks"))
                    ).crossEntropy(images.labels)
                }
            }
            let function = try loss(0, on: bench.backend)
            let values = try bench.state(of: architecture, "architecture", on: bench.backend).parameters
            let state = try bench.state(of: supernet.layout, "weights", on: bench.backend)
            let images = try bench.batch("images", on: bench.backend).images
            for mode in [NormalizationMode.batch, .running] {
                try check.expect(
                    "the supernet's logits",
                    supernet.logits(
                        images, architecture: values,
                        ForwardContext(state, normalization: mode, time: bench.time)),
                    shape: [bench.count, bench.images.classes])
            }
            try check.checkBackbone(supernet.backbone, images, values, bench)
            check.checkDerivatives("the supernet's loss", of: function, bench)
            check.checkReached("gradients of the supernet's loss", of: function)
            check.expectReproducible("gradients of the supernet's loss", bench) {
                let function = try loss(0, on: $0)
                return try function.gradient(at: function.point).gradient
            }
            if try space.penalty(values, at: bench.time) != nil {
                let penalty = ScalarFunction(
                    names: architecture.parameters.map { "A's \($0.name)" }, point: values
                ) { try space.penalty($0, at: bench.time) ?? images.backend.zeros(.scalar, .float64) }
                check.checkDerivatives("the penalty", of: penalty, bench)
            }
        }
    }

    private mutating func checkBackbone(
        _ backbone: any Backbone, _ images: Tensor, _ architecture: [Tensor], _ bench: Bench
    ) throws {
        let builder = LayoutBuilder()
        let features = backbone.declare(in: builder.root["backbone"])
        let state = try bench.state(of: builder.layout, "backbone", on: bench.backend)
        try expect(
            "the backbone's features",
            features(images, architecture: architecture, ForwardContext(state, time: bench.time)),
            shape: [bench.count, features.features])
    }

    private mutating func checkGenotype<Space: SearchSpace>(
        _ space: Space, _ settings: Space.NetworkSettings, _ bench: Bench
    ) {
        expect(
            "the network's settings, written and read",
            try? Space.NetworkSettings(decoding: settings.encoded).encoded,
            equals: settings.encoded)
        func drawn(_ draw: Int) throws -> Space.Genotype {
            let label = draw == 0 ? "architecture" : "architecture \(draw)"
            return try space.genotype(
                of: bench.state(of: space.architecture, label, on: bench.backend).parameters)
        }
        guard let genotype = attempt("genotype", { _ in try drawn(0) }) else { return }
        attempt("the genotype's text") { check in
            check.expect(
                "the genotype's text, read back", try Space.Genotype(parsing: "\(genotype)"), equals: genotype
            )
            check.expect(
                !"\(genotype)".contains(where: \.isNewline), "the genotype's text",
                found: "several lines", expected: "one line")
        }
        attempt("the genotype's YAML") { check in
            let text = YAMLWriter.text(genotype.encoded)
            check.expect(
                "the genotype's YAML, read back",
                try Space.Genotype(decoding: YAMLReader.read(text, source: "genotype")), equals: genotype)
        }
        let drawings = genotype.drawings.map(\.name)
        expect("different names of drawings", Set(drawings).count, equals: drawings.count)
        attempt("network") { check in
            check.checkNetwork(try space.network(genotype, settings, for: bench.images), bench)
            // Operations may let nothing through: of a few networks one is to need all of its parameters.
            for draw in 0..<8 {
                let network = try space.network(drawn(draw), settings, for: bench.images)
                let missed = try Self.loss(of: network, on: bench.backend, bench).missed()
                if missed.isEmpty { return }
                guard draw == 7 else { continue }
                check.fail(
                    "gradients of the network's loss", found: "none in \(missed.joined(separator: ", "))",
                    expected: "a gradient other than 0 in every parameter")
            }
        }
    }

    private static func loss(of network: any Network, on backend: any Backend, _ bench: Bench) throws
        -> ScalarFunction
    {
        let state = try bench.state(of: network.layout, "network", on: backend)
        let batch = try bench.batch("network images", on: backend)
        return ScalarFunction(names: network.layout.parameters.map(\.name), point: state.parameters) {
            try network.trainingLoss(
                batch.images, targets: Targets(batch.labels, smoothing: 0.1),
                ForwardContext(
                    ModelState(parameters: $0, buffers: state.buffers), time: bench.time,
                    random: bench.random("masks"))
            ).loss
        }
    }

    private mutating func checkNetwork(_ network: any Network, _ bench: Bench) {
        attempt("network") { check in
            let state = try bench.state(of: network.layout, "network", on: bench.backend)
            let batch = try bench.batch("network images", on: bench.backend)
            let shape: Shape = [bench.count, bench.images.classes]
            try check.expect(
                "the network's logits",
                network.logits(batch.images, ForwardContext(state, normalization: .running)), shape: shape)
            let training = try network.trainingLoss(
                batch.images, targets: Targets(batch.labels),
                ForwardContext(state, time: bench.time, random: bench.random("masks")))
            try check.expect("the logits of the network's training", training.logits, shape: shape)
            check.expect("the shape of the network's loss", training.loss.count, equals: 1)
            try check.expectFinite("the network's loss", [training.loss])
            check.expectReproducible("gradients of the network's loss", bench) {
                let function = try Self.loss(of: network, on: $0, bench)
                return try function.gradient(at: function.point).gradient
            }
        }
    }

    private mutating func checkSigns(_ space: some SearchSpace, _ bench: Bench) {
        attempt("signs") { check in
            let a = try bench.state(of: space.architecture, "architecture", on: bench.backend).parameters
            let signs = try space.signs(of: a)
            check.expect("signs", signs.keys.sorted(), equals: space.signs.map(\.name).sorted())
            for (name, value) in signs.sorted(by: { $0.key < $1.key }) {
                check.expect(value.isFinite, "sign '\(name)'", found: "\(value)", expected: "a finite number")
            }
        }
    }

    /// Narrows stage by stage, and reads each narrowing back.
    private mutating func checkStages<Space: SearchSpace>(_ space: Space, _ bench: Bench) {
        attempt("stages") { check in
            var current = space
            var stage = 0
            while true {
                let a = try bench.state(of: current.architecture, "stage \(stage)", on: bench.backend)
                    .parameters
                guard let next = try current.next(after: a) else { break }
                stage += 1
                guard stage < space.stages else {
                    check.fail(
                        "stages", found: "a stage after the last", expected: "\(space.stages) stages")
                    return
                }
                guard let narrowing = next.narrowing else {
                    check.fail("narrowing", found: "none at stage \(stage)", expected: "what was decided")
                    return
                }
                let read = try YAMLReader.read(YAMLWriter.text(narrowing), source: "narrowing")
                let again = try space.narrowed(by: read)
                func shapes(_ space: Space) throws -> [String] {
                    let layouts = [space.architecture, try space.supernet(for: bench.images).layout]
                    return layouts.flatMap { $0.parameters.map { "\($0.name) \($0.shape)" } }
                }
                check.expect(
                    try shapes(again) == shapes(next) && again.narrowing == next.narrowing,
                    "stage \(stage), narrowed again from its narrowing", found: "another space",
                    expected: "the same")
                current = next
                check.checkDerivatives(current, bench)
            }
            check.expect("stages", stage + 1, equals: space.stages)
        }
    }

    private mutating func checkOneHot<Space: OneHotSpace>(_ space: Space, _ bench: Bench) {
        attempt("the discrete network beside the supernet") { check in
            let drawn = try bench.state(of: space.architecture, "one-hot", on: bench.backend).parameters
            let genotype = try space.genotype(of: drawn)
            guard let oneHot = try space.oneHot(genotype) else { return }
            let a = try zip(oneHot, space.architecture.parameters).map {
                try bench.backend.tensor($0, $1.shape)
            }
            // Its equals may come in another order.
            check.expect(
                "the genotype of a one-hot architecture, as one", try space.oneHot(space.genotype(of: a)),
                equals: oneHot)
            let supernet = try space.supernet(for: bench.images)
            let network = try space.network(genotype, space.supernetSized, for: bench.images)
            let weights = try bench.state(of: supernet.layout, "weights", on: bench.backend)
            let named = Dictionary(
                uniqueKeysWithValues: zip(supernet.layout.parameters.map(\.name), weights.parameters))
            var state = try network.layout.initialState(
                on: bench.backend, bench.dtype, from: bench.random("network"))
            for (index, parameter) in network.layout.parameters.enumerated() {
                guard let name = space.supernetParameter(for: parameter.name, of: genotype) else { continue }
                guard let value = named[name], value.shape == parameter.shape else {
                    check.fail(
                        "the supernet's parameter for \(parameter.name)",
                        found: named[name].map { "\(name) \($0.shape)" } ?? "no \(name)",
                        expected: "one of shape \(parameter.shape)")
                    return
                }
                state.parameters[index] = value
            }
            let images = try bench.batch("images", on: bench.backend).images
            let time = TrainingTime()
            let mixed = try supernet.logits(
                images, architecture: a, ForwardContext(weights, time: time)
            ).doubles()
            let discrete = try network.logits(images, ForwardContext(state, time: time)).doubles()
            let difference = zip(mixed, discrete).map { Swift.abs($0 - $1) }.max() ?? 0
            check.expect(
                mixed.count == discrete.count && difference <= 1e-8,
                "the discrete network's logits, the supernet's at a one-hot architecture",
                found: "a difference of \(difference)", expected: "the same")
        }
    }
}
