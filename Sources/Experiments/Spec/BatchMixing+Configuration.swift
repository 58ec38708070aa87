import Datasets
import ErrataCore

extension BatchMixing: Configuration {
    public init() { self.init(mixup: 0) }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "mixup", \.mixup, "α of Beta(α, α), the weight of another whole image; 0 for none",
                .within(0...2)),
            .init(
                "cutmix", \.cutMix, "α of Beta(α, α), the area of another image's rectangle; 0 for none",
                .within(0...2)),
        ]
    }
}
