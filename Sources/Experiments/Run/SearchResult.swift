import ErrataCore

/// What a search has found: its `search/result.yaml`, which is there once the search has ended.
public struct SearchResult: Sendable, Hashable, Configuration {
    /// As the search space writes it.
    public var genotype = ConfigurationValue.null
    /// The epoch it is of, from 1, and its accuracy on D_val; 0 and nil where the method takes no steps.
    public var epoch = 0
    public var accuracy: Double?
    /// Why the search has ended before its last epoch, where it has.
    public var stopped: String?
    public var classNames: [String] = []
    /// What the method measures of each class, such as its weight: means over the last epoch.
    public var classMetrics: [ClassMetric] = []
    /// Paths within the run's directory.
    public var pictures: [String] = []

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "genotype", \.genotype,
                "of the epoch with the best validation accuracy after A's first step, or of the one that an early stopping "
                    + "names"),
            .init("epoch", \.epoch, "that epoch, from 1; 0 for a method that takes no steps"),
            .init("validation_accuracy", \.accuracy, "of that epoch; null for a method that takes no steps"),
            .init("stopped", \.stopped, "why the search ended before its last epoch; null where it did not"),
            .init("class_names", \.classNames, "the classes"),
            .init(
                "class_metrics", \.classMetrics, "what the method measured of each, the last epoch's means"),
            .init("pictures", \.pictures, "paths within the run's directory"),
        ]
    }

    /// A value for each class; null where there is none.
    public struct ClassMetric: Sendable, Hashable, Configuration {
        public var name = ""
        public var values: [Double?] = []

        public init() {}

        init(_ name: String, _ values: [Double?]) {
            self.name = name
            self.values = values
        }

        public static var fields: [ConfigurationField<Self>] {
            [
                .init("name", \.name, "what is measured"),
                .init("values", \.values, "in the order of the classes"),
            ]
        }
    }
}
