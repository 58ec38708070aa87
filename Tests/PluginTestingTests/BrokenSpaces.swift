import ErrataCore
import NeuralNetworks
import PluginTesting
import TensorEngine
import TinySpaces

/// The chain's space with something wrong.
struct BrokenSpace: SearchSpace {
    enum Fault: Sendable, CaseIterable { case none, unreached, detached, nan, signs, text, penalty, oneHot }

    let fault: Fault
    private let base = ChainSpace()

    init(_ fault: Fault) { self.fault = fault }

    var architecture: ModelLayout { base.architecture }

    func supernet(for images: ImageSpecification) throws -> any Supernet {
        BrokenSupernet(fault, try base.supernet(for: images).backbone, classes: images.classes)
    }

    func genotype(of architecture: [Tensor]) throws -> BrokenGenotype {
        BrokenGenotype(chain: try base.genotype(of: architecture), losesText: fault == .text)
    }

    func network(
        _ genotype: BrokenGenotype, _ settings: ChainNetworkSettings, for images: ImageSpecification
    ) throws -> any Network {
        try base.network(genotype.chain, settings, for: images)
    }

    func penalty(_ architecture: [Tensor], at time: TrainingTime) throws -> Tensor? {
        fault == .penalty ? try (architecture[0].detached * architecture[0]).sum() : nil
    }

    var signs: [MetricDeclaration] { fault == .signs ? [.init("skips", "declared, and not given")] : [] }
}

extension BrokenSpace: OneHotSpace {
    var supernetSized: ChainNetworkSettings { base.supernetSized }

    /// Mixtures that are none of their choices alone, where that is the fault.
    func oneHot(_ genotype: BrokenGenotype) throws -> [[Double]]? {
        base.oneHot(genotype.chain)?.map { $0.map { fault == .oneHot ? $0 / 1000 : $0 } }
    }

    func supernetParameter(for parameter: String, of genotype: BrokenGenotype) -> String? {
        base.supernetParameter(for: parameter, of: genotype.chain)
    }
}

/// A chain whose text may lose its layers.
struct BrokenGenotype: GenotypeRepresentable {
    let chain: ChainGenotype
    var losesText = false

    init(chain: ChainGenotype, losesText: Bool) {
        self.chain = chain
        self.losesText = losesText
    }

    init(parsing text: String) throws { chain = try ChainGenotype(parsing: text) }

    var description: String { losesText ? "Chain()" : chain.description }
}

private struct BrokenSupernet: Supernet {
    let layout: ModelLayout
    let backbone: any Backbone
    private let fault: BrokenSpace.Fault
    private let features: any FeatureExtractor
    private let classifier: Linear

    init(_ fault: BrokenSpace.Fault, _ backbone: any Backbone, classes: Int) {
        let builder = LayoutBuilder()
        self.fault = fault
        self.backbone = backbone
        features = backbone.declare(in: builder.root)
        classifier = Linear(builder.root["classifier"], inputs: features.features, outputs: classes)
        if fault == .unreached { _ = builder.root["forgotten"].parameter("weight", [2], .ones) }
        layout = builder.layout
    }

    func logits(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor {
        let logits = try classifier(features(images, architecture: architecture, context), context)
        switch fault {
        case .detached:
            let factor = try architecture[0].detached.squared().sum() + 1
            return try logits * factor
        case .nan: return try logits * Double.nan
        default: return logits
        }
    }
}
