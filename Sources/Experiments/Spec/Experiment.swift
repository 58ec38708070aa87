import Datasets
import ErrataCore
import Multilevel
import TensorEngine

/// An experiment whose spec has been checked whole, and what its components are built from.
public struct Experiment: Sendable {
    /// The spec with every default in place.
    public let spec: ExperimentSpec
    /// The search space that the spec chooses, in its first stage.
    public let searchSpace: any SearchSpace
    private let makeMethod: PreparedComponent<any SearchMethod, MethodContext>
    private let makeGenerator: PreparedComponent<any ConditionalGenerator, GeneratorContext>?
    private let makeWeighter: PreparedComponent<any ClassWeighter, Void>?
    private let makeHypergradient: PreparedComponent<any Hypergradient, Void>
    private let makeData: PreparedComponent<ImageData, Void>
    private let registry: PluginRegistry
    private let defaults: ComponentDefaults

    /// - Parameters:
    ///   - value: what a file says, with those it extends.
    ///   - registry: what can be chosen.
    ///   - defaults: the components of a spec that names none.
    /// - Throws: `ConfigurationErrors` with everything that is wrong, where it stands.
    public init(_ value: ConfigurationValue, registry: PluginRegistry, defaults: ComponentDefaults)
        throws(ConfigurationErrors)
    {
        var decoder = ConfigurationDecoder(registry: registry)
        var spec = ExperimentSpec.decode(value, default: ExperimentSpec(defaults), &decoder)
        let searchSpace = decoder.resolve(spec.searchSpace, from: registry.searchSpaces)
        let method = decoder.resolve(spec.method, from: registry.methods)
        let generator = spec.generator.map { decoder.resolve($0, from: registry.generators) }
        let weighter = spec.weighter.map { decoder.resolve($0, from: registry.weighters) }
        let hypergradient = decoder.resolve(spec.hypergradient, from: registry.hypergradients)
        let data = decoder.resolve(spec.data.set, from: registry.datasets)
        var space: (any SearchSpace)?
        do { space = try searchSpace?.make(()) } catch {
            decoder.within(path: "search_space") { $0.fail(error, at: spec.searchSpace.location) }
        }
        if let space {
            decoder.within(path: "evaluation.network") { decoder in
                spec.evaluation.network = space.decodeNetworkSettings(spec.evaluation.network, &decoder)
            }
        }
        try decoder.finish()
        guard let searchSpace, let space, let method, let hypergradient, let data else {
            preconditionFailure("a component is missing, and no error was reported")
        }
        (spec.searchSpace, spec.method) = (searchSpace.selection, method.selection)
        (spec.generator, spec.weighter) = (generator??.selection, weighter??.selection)
        (spec.hypergradient, spec.data.set) = (hypergradient.selection, data.selection)
        self.spec = spec
        self.searchSpace = space
        (makeMethod, makeGenerator, makeWeighter) = (method, generator ?? nil, weighter ?? nil)
        (makeHypergradient, makeData) = (hypergradient, data)
        (self.registry, self.defaults) = (registry, defaults)
    }

    public var dtype: DType { spec.precision == .float32 ? .float32 : .float64 }
    public var seed: UInt64 { UInt64(spec.seed) }

    /// Another spec with its defaults: those of the components that this experiment could choose from.
    func resolving(_ value: ConfigurationValue) throws(ConfigurationErrors) -> ExperimentSpec {
        try Experiment(value, registry: registry, defaults: defaults).spec
    }

    /// The images, long-tailed and then limited as the spec says.
    ///
    /// - Throws: `DatasetError` if a file is missing or unsound, `RunError` if there are fewer images than the
    ///   limit.
    public func data() throws -> ImageData {
        var data = try makeData.make(())
        if let longTail = spec.data.longTail {
            data = try ImageData(
                training: data.training.longTailed(
                    ratio: longTail.ratio, kind: longTail.kind, random: RandomStream(seed: seed, "long tail")),
                test: data.test)
        }
        func limited(_ part: any Dataset, to count: Int?, _ setting: String) throws -> any Dataset {
            guard let count else { return part }
            guard count <= part.count else {
                throw RunError("data.\(setting) is \(count), but there are \(part.count) images")
            }
            return try part.limited(to: count, random: RandomStream(seed: seed, "limit"))
        }
        return try ImageData(
            training: limited(data.training, to: spec.data.limit, "limit"),
            test: limited(data.test, to: spec.data.testLimit, "test_limit"), notices: data.notices)
    }

    /// What pixels are normalised by: as the spec says, or as the images to train on are.
    ///
    /// - Throws: `DatasetError` if an image cannot be read.
    func normalization(of images: any Dataset) throws -> PixelNormalization {
        guard let settings = spec.data.normalization else { return try PixelNormalization(of: images) }
        guard settings.mean.count == images.channels else {
            throw RunError(
                "data.normalization is of \(settings.mean.count) channels, but the images have \(images.channels)"
            )
        }
        return try PixelNormalization(mean: settings.mean, deviation: settings.deviation)
    }

    /// The search in a stage of the search space.
    ///
    /// Only what the method uses is built: a method without a generator never makes one.
    ///
    /// - Throws: what the components throw if they do not fit each other or the images.
    func search(
        in space: any SearchSpace, for images: ImageSpecification, trainingCounts: [Int],
        _ normalization: PixelNormalization
    ) throws -> ArchitectureSearch {
        let supernet = try space.supernet(for: images)
        let (makeGenerator, makeWeighter) = (makeGenerator, makeWeighter)
        let method = try makeMethod.make(
            MethodContext(
                images: images, trainingCounts: trainingCounts, supernet: supernet,
                weights: spec.optimizers.weights.descent,
                fromTanh: normalization.fromTanhRange, augmentation: spec.search.augmentation,
                makeGenerator: {
                    guard let makeGenerator else {
                        throw RunError("the method needs a generator: choose one")
                    }
                    return try makeGenerator.make(.init(images: images, backbone: supernet.backbone))
                },
                makeWeighter: {
                    guard let makeWeighter else { throw RunError("the method needs a weighter: choose one") }
                    return try makeWeighter.make(())
                }))
        return try ArchitectureSearch(
            space: space, supernet: supernet, method: method, hypergradient: makeHypergradient.make(()),
            images: images, architecture: spec.optimizers.architecture.descent,
            seed: seed)
    }

    /// The training from scratch of a genotype.
    ///
    /// - Throws: if the search space cannot build the genotype with the spec's settings.
    func retraining(_ genotype: any GenotypeRepresentable, for images: ImageSpecification) throws
        -> Retraining
    {
        Retraining(
            network: try searchSpace.network(genotype, spec.evaluation.network, for: images),
            descent: spec.evaluation.weights.descent, labelSmoothing: spec.evaluation.labelSmoothing,
            seed: seed)
    }
}
