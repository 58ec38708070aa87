import ErrataCore

/// What an evaluation has measured: its `evaluation/result.yaml`, which is there once the evaluation has ended.
public struct EvaluationResult: Sendable, Hashable, Configuration {
    /// As the search space writes it.
    public var genotype = ConfigurationValue.null
    public var parameters = 0
    public var testImages = 0
    /// Of the last epoch's weights.
    public var testError = 0.0
    public var testLoss = 0.0
    public var epochs = 0
    public var classNames: [String] = []
    /// Of the images of each class; null where there is none.
    public var classErrors: [Double?] = []

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("genotype", \.genotype, "what was trained"),
            .init("parameters", \.parameters, "of the network"),
            .init("test_images", \.testImages, "how many there are"),
            .init("test_error", \.testError, "the fraction of them that the last epoch's weights got wrong"),
            .init("test_loss", \.testLoss, "their mean cross-entropy"),
            .init("epochs", \.epochs, "of training"),
            .init("class_names", \.classNames, "the classes"),
            .init("class_errors", \.classErrors, "the fraction of each class's test images that was wrong"),
        ]
    }
}
