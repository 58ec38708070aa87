import NeuralNetworks
import TensorEngine

/// A space of architectures that is searched by descending architecture parameters.
public protocol SearchSpace: Sendable {
    /// The architecture parameters: names, shapes and how they begin.
    var architecture: ModelLayout { get }

    /// The supernet that classifies.
    ///
    /// - Throws: if images of that size cannot pass through the space's cells.
    func supernet(for images: ImageSpecification) throws -> any Supernet

    /// The discrete architecture that the parameters stand for.
    func genotype(of architecture: [Tensor]) throws -> Genotype

    /// The operations a genotype of this space may name.
    var operations: [String] { get }

    /// The network of a genotype, for evaluation.
    ///
    /// - Throws: if the genotype names operations that the space does not have.
    func network(_ genotype: Genotype, _ settings: NetworkSettings, for images: ImageSpecification) throws
        -> any Classifier
}

/// What a network is given: square or oblong images, and how many classes they fall into.
public struct ImageSpecification: Sendable, Hashable {
    public var height: Int
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

/// The size of the network that a genotype is evaluated as.
public struct NetworkSettings: Sendable, Hashable {
    /// Channels of the first cells.
    public var channels: Int
    public var cells: Int
    /// Whether an auxiliary head classifies from two thirds of the depth.
    public var auxiliary: Bool

    public init(channels: Int = 36, cells: Int = 20, auxiliary: Bool = true) {
        self.channels = channels
        self.cells = cells
        self.auxiliary = auxiliary
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

/// A network of a fixed architecture.
public protocol Classifier: Sendable {
    var layout: ModelLayout { get }
    /// [N, H, W, C] normalised images → logits [N, classes], and the auxiliary head's where there is one and
    /// batch statistics are in use (training).
    func logits(_ images: Tensor, _ context: ForwardContext) throws -> (logits: Tensor, auxiliary: Tensor?)
}
