import NeuralNetworks
import TensorEngine

/// A space of architectures that is searched by descending architecture parameters.
///
/// A space owns what it finds: its genotype, how that is written and drawn, and the settings of the network that
/// a genotype is evaluated as. What a space does not have, such as a penalty or stages, it leaves to the defaults.
public protocol SearchSpace: Sendable {
    /// A discrete architecture of this space.
    associatedtype Genotype: GenotypeRepresentable
    /// The evaluation network's size, heads and regularisers: `evaluation.network` in a spec.
    associatedtype NetworkSettings: Configuration

    /// The architecture parameters A: names, shapes and how they begin.
    var architecture: ModelLayout { get }

    /// The supernet that classifies.
    ///
    /// - Throws: if the settings make no supernet, or images of that size cannot pass through it.
    func supernet(for images: ImageSpecification) throws -> any Supernet

    /// The discrete architecture that A stands for.
    ///
    /// - Parameter architecture: a tensor for each of `architecture`'s parameters, in their order; no gradient
    ///   flows through this.
    func genotype(of architecture: [Tensor]) throws -> Genotype

    /// Other readings of A, by name, such as with fewer skip connections; none by default. A search writes them beside
    /// the genotype.
    func alternatives(of architecture: [Tensor]) throws -> [(name: String, genotype: Genotype)]

    /// Genotypes that others have found, by the names they are known by; none by default.
    var published: [(name: String, genotype: Genotype)] { get }

    /// The network of a genotype, for evaluation.
    ///
    /// - Throws: if the genotype is not of this space, or images of that size cannot pass through its network.
    func network(_ genotype: Genotype, _ settings: NetworkSettings, for images: ImageSpecification) throws
        -> any Network

    /// A scalar that is added to what A descends, such as an expected latency; nil, the default, for none.
    func penalty(_ architecture: [Tensor], at time: TrainingTime) throws -> Tensor?

    /// How many times the space is searched, each time narrower; 1 by default.
    var stages: Int { get }

    /// The space of the next stage, narrowed by what A has come to; nil, the default, after the last stage.
    func next(after architecture: [Tensor]) throws -> Self?

    /// All that `next(after:)` has decided so far, for checkpoints; nil, the default, where nothing was.
    var narrowing: ConfigurationValue? { get }

    /// The space as `next(after:)` left it: from the space of the first stage and a later one's `narrowing`.
    ///
    /// - Throws: if the narrowing is not of this space. The default always does.
    func narrowed(by narrowing: ConfigurationValue) throws -> Self

    /// What an epoch tells of A, such as signs of collapse: columns of `epochs.csv`; none by default.
    var signs: [MetricDeclaration] { get }

    /// The values of `signs`, by name.
    func signs(of architecture: [Tensor]) throws -> [String: Double]

    /// For each mixed operation, the indices of its candidates that learn weights of their own, the strongest first:
    /// what an early stopping watches settle; none by default.
    func rankings(of architecture: [Tensor]) throws -> [[Int]]
}

extension SearchSpace {
    public func alternatives(of architecture: [Tensor]) throws -> [(name: String, genotype: Genotype)] { [] }
    public var published: [(name: String, genotype: Genotype)] { [] }
    public func penalty(_ architecture: [Tensor], at time: TrainingTime) throws -> Tensor? { nil }
    public var stages: Int { 1 }
    public func next(after architecture: [Tensor]) throws -> Self? { nil }
    public var narrowing: ConfigurationValue? { nil }
    public func narrowed(by narrowing: ConfigurationValue) throws -> Self {
        throw SettingError("search_space", "it has no stages, and so nothing that narrows it")
    }
    public var signs: [MetricDeclaration] { [] }
    public func signs(of architecture: [Tensor]) throws -> [String: Double] { [:] }
    public func rankings(of architecture: [Tensor]) throws -> [[Int]] { [] }
}

/// What a network is given: images, and how many classes they fall into.
public struct ImageSpecification: Sendable, Hashable {
    /// Pixels.
    public var height: Int
    /// Pixels.
    public var width: Int
    public var channels: Int
    public var classes: Int

    public init(height: Int, width: Int, channels: Int, classes: Int) {
        self.height = height
        self.width = width
        self.channels = channels
        self.classes = classes
    }
}

/// A network whose architecture is a mixture, weighted by architecture parameters. Its backbone serves as a
/// classifier with weights W1 and W2, and as the discriminator with weights H.
public protocol Supernet: Sendable {
    /// The weights of the classifier.
    var layout: ModelLayout { get }

    /// [N, H, W, C] normalised images → logits [N, classes].
    func logits(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor

    /// The same network without its classifying layer, for another head.
    var backbone: any Backbone { get }

    /// What takes A's place where the weights train, such as A and a perturbation that raises the loss; A itself by
    /// default.
    ///
    /// - Parameters:
    ///   - context: of the training pass.
    ///   - loss: what the weights descend in this pass, of what takes A's place: a constant in all else.
    func perturbed(
        _ architecture: [Tensor], _ context: ForwardContext,
        raising loss: (_ architecture: [Tensor], _ context: ForwardContext) throws -> Tensor
    ) throws -> [Tensor]
}

extension Supernet {
    public func perturbed(
        _ architecture: [Tensor], _ context: ForwardContext,
        raising loss: (_ architecture: [Tensor], _ context: ForwardContext) throws -> Tensor
    ) throws -> [Tensor] { architecture }
}

/// From images to features with the architecture A: what classifier and discriminator share.
public protocol Backbone: Sendable {
    /// Declares the backbone's weights in a model under construction.
    ///
    /// - Returns: the function [N, H, W, C] → [N, features], to be applied within that model.
    func declare(in scope: Scope) -> any FeatureExtractor
}

/// A backbone within a model.
public protocol FeatureExtractor: Sendable {
    /// The length of a feature vector.
    var features: Int { get }
    /// [N, H, W, C] → [N, features].
    func callAsFunction(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor
}
