import ErrataCore
import TensorEngine

/// A weighter whose weights are its measures, with something in place of those of absent classes.
public protocol MeasuringWeighter: ClassWeighter, Configuration {
    var absentClasses: AbsentClasses { get set }
    var normalization: WeightNormalization { get set }
}

extension MeasuringWeighter {
    public func weights(_ performance: ClassPerformance, estimates: ClassEstimates) throws -> Tensor {
        try normalization(absentClasses.completed(measures(performance), performance, estimates))
    }

    static var sharedFields: [ConfigurationField<Self>] {
        [
            .init(
                "absent_classes", \.absentClasses,
                "the measure of a class that the validation batch lacks: its running mean, 0, or the mean of the "
                    + "others"),
            .normalize(\.normalization),
        ]
    }
}

extension ConfigurationField {
    static func normalize(_ path: any WritableKeyPath<Root, WeightNormalization> & Sendable) -> Self {
        .init("normalize", path, "whether the weights are divided by their mean")
    }
}
