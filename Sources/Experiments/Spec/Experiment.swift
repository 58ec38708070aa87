import Datasets
import ErrataCore
import TensorEngine

/// An experiment whose spec has been checked whole, and what its components are built from.
public struct Experiment: Sendable {
    /// The spec with every default in place.
    public let spec: ExperimentSpec
    private let makeSearchSpace: PreparedComponent<any SearchSpace, Void>
    private let makeGenerator: PreparedComponent<any ConditionalGenerator, GeneratorContext>
    private let makeWeighter: PreparedComponent<any ClassWeighter, Void>
    private let makeHypergradient: PreparedComponent<any Hypergradient, Void>
    private let makeData: PreparedComponent<ImageData, Void>

    /// - Throws: `ConfigurationErrors` with everything that is wrong, where it stands.
    public init(_ value: ConfigurationValue, registry: PluginRegistry) throws(ConfigurationErrors) {
        var decoder = ConfigurationDecoder()
        var spec = decoder.decode(ExperimentSpec.self, from: value)
        let searchSpace = decoder.resolve(spec.searchSpace, from: registry.searchSpaces)
        let generator = decoder.resolve(spec.generator, from: registry.generators)
        let weighter = decoder.resolve(spec.weighter, from: registry.weighters)
        let hypergradient = decoder.resolve(spec.hypergradient, from: registry.hypergradients)
        let data = decoder.resolve(spec.data.set, from: registry.datasets)
        try decoder.finish()
        guard let searchSpace, let generator, let weighter, let hypergradient, let data else {
            preconditionFailure("a component is missing, and no error was reported")
        }
        (spec.searchSpace, spec.generator) = (searchSpace.selection, generator.selection)
        (spec.weighter, spec.hypergradient) = (weighter.selection, hypergradient.selection)
        spec.data.set = data.selection
        self.spec = spec
        (makeSearchSpace, makeGenerator, makeWeighter) = (searchSpace, generator, weighter)
        (makeHypergradient, makeData) = (hypergradient, data)
    }

    public var dtype: DType { spec.precision == .float32 ? .float32 : .float64 }
    public var seed: UInt64 { UInt64(spec.seed) }

    /// The images, limited as the spec says.
    ///
    /// - Throws: `DatasetError` if a file is missing or unsound.
    public func data() throws -> ImageData {
        let data = try makeData.make(())
        let random = RandomStream(seed: seed, "limit")
        return try ImageData(
            training: spec.data.limit.map { try data.training.limited(to: $0, random: random) }
                ?? data.training,
            test: spec.data.testLimit.map { try data.test.limited(to: $0, random: random) } ?? data.test)
    }

    /// The search space that the spec chooses.
    public func searchSpace() throws -> any SearchSpace { try makeSearchSpace.make(()) }

    /// - Throws: what the components throw if they do not fit each other or the images.
    public func learner(for images: ImageSpecification, normalization: PixelNormalization) throws -> Learner {
        let space = try searchSpace()
        let supernet = try space.supernet(for: images)
        return Learner(
            spec.learner, space: space, supernet: supernet,
            generator: try makeGenerator.make(.init(images: images, backbone: supernet.backbone)),
            weighter: try makeWeighter.make(()), hypergradient: try makeHypergradient.make(()),
            images: images, range: normalization.fromTanhRange, augmentation: spec.search.augmentation,
            epochs: spec.search.epochs, seed: seed)
    }

    /// - Throws: `GenotypeError` if the search space cannot build the genotype.
    public func trainer(_ genotype: Genotype, for images: ImageSpecification) throws -> DiscreteTrainer {
        DiscreteTrainer(
            spec.evaluation.network,
            network: try searchSpace().network(genotype, spec.evaluation.network.network, for: images),
            epochs: spec.evaluation.epochs, seed: seed)
    }
}
