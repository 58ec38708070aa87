import ErrataCore
import Foundation
import TensorEngine

/// What an epoch of a search leaves beside the tables: the genotype, generated images, drawings.
struct EpochFiles {
    private let output: RunOutput
    private let epoch: Int

    private var name: String { "epoch-" + String(format: "%03d", epoch) }
    private var samples: String { output.directory.file("samples/\(name).png", of: .search) }

    /// - Parameter epoch: from 1.
    init(_ output: RunOutput, epoch: Int) {
        self.output = output
        self.epoch = epoch
    }

    /// - Parameters:
    ///   - genotype: of the epoch.
    ///   - alternative: the name of another reading of A, where it is one.
    func write(_ genotype: any GenotypeRepresentable, alternative: String? = nil) throws {
        try GenotypeFile.write(genotype, to: self.genotype(alternative: alternative))
    }

    /// The path of the epoch's genotype, or of another reading of A.
    func genotype(alternative: String? = nil) -> String {
        output.directory.file("genotypes/\(name)\(alternative.map { "-\($0)" } ?? "").yaml", of: .search)
    }

    /// Writes a grid of images, if there are any. A picture that cannot be made is said, and ends nothing.
    func writeSamples(columns: Int, _ images: () throws -> Tensor?) throws {
        guard let images = try images() else { return }
        guard SampleGrid.canDraw(channels: images.shape.channels) else {
            if epoch == 1 {
                output.say(
                    "generated images of \(images.shape.channels) channels are not drawn; of 1 or 3, they are"
                )
            }
            return
        }
        do {
            try AtomicFile.write(SampleGrid.png(images, columns: columns), to: samples)
        } catch {
            output.say("no picture of the generated images: \(error)")
        }
    }

    /// Draws what was found.
    ///
    /// - Returns: the paths of all pictures within the directory.
    func finish(_ genotype: any GenotypeRepresentable) -> [String] {
        let drawing = GenotypePictures(
            of: genotype.drawings, to: output.directory.file("drawings", of: .search))
        for warning in drawing.warnings { output.say(warning) }
        return (drawing.paths + [samples]).filter(exists)
            .map { String($0.dropFirst(output.directory.path.count + 1)) }
    }
}
