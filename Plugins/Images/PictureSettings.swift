import Datasets
import ErrataCore

/// How image files of any sizes are read: what data sets of files share.
struct PictureSettings: Configuration {
    var size = 32
    var width: Int?
    var channels = 3
    var fit = PictureFit.Mode.crop
    var cropFraction = 1.0
    var scaledDecoding = true
    var onError = FailureRule.fail

    /// What becomes of files that cannot be decoded.
    enum FailureRule: String, ConfigurationChoice { case fail, skip }

    static var fields: [ConfigurationField<Self>] {
        [
            .init("size", \.size, "the images' height in pixels, and their width", .within(1...4096)),
            .init("width", \.width, "the width, where it is another", ifGiven: .within(1...4096)),
            .init(
                "channels", \.channels,
                "3, or 1: grey; grey files become colour, colour files their luma, transparent pixels lie on white",
                .init("that is 1 or 3") { $0 == 1 || $0 == 3 }),
            .init(
                "fit", \.fit,
                "how other sizes are met: the largest middle part of the shape, the whole on black, or the whole distorted"
            ),
            .init(
                "crop_fraction", \.cropFraction, "the part of the largest crop's side that is taken",
                .init("above 0 and at most 1") { $0 > 0 && $0 <= 1 }),
            .init(
                "scaled_decoding", \.scaledDecoding,
                "decode JPEG at a fraction of its size where that suffices: faster, and pixels differ a little"
            ),
            .init(
                "on_error", \.onError,
                "what becomes of broken files: fail where one is met, or skip them, which decodes each once at the start"
            ),
        ]
    }

    /// The training and test images of some files.
    func data(training: LabelledFiles, test: LabelledFiles, name: String) throws -> ImageData {
        var notices: [String] = []
        func part(_ files: LabelledFiles) throws -> PictureDataset {
            let whole = try PictureDataset(
                name: name, files: files,
                fit: PictureFit(height: size, width: width ?? size, mode: fit, cropFraction: cropFraction),
                channels: channels, scalesDecoding: scaledDecoding)
            guard onError == .skip else { return whole }
            let (rest, problems) = try whole.withoutBrokenFiles()
            notices += problems.prefix(10).map { "skipped: \($0)" }
            if problems.count > 10 { notices.append("skipped: \(problems.count - 10) files more") }
            return rest
        }
        return try ImageData(training: part(training), test: part(test), notices: notices)
    }
}

extension PictureFit.Mode: ConfigurationChoice {}
