import CPUEngine
import Datasets
import TensorEngine

let backend: any Backend = try! CPUBackend(threads: 2)

/// Images whose every byte tells where it is: image·100 + row·10 + column, plus 1 for each channel.
struct NumberedDataset: Dataset {
    let name = "numbered"
    let height: Int
    let width: Int
    let channels: Int
    let classNames = ["even", "odd"]
    let labels: [Int32]
    /// The image that cannot be read.
    var broken: Int?

    init(count: Int, height: Int = 4, width: Int = 5, channels: Int = 1, broken: Int? = nil) {
        self.height = height
        self.width = width
        self.channels = channels
        self.broken = broken
        labels = (0..<count).map { Int32($0 % 2) }
    }

    func byte(_ image: Int, _ row: Int, _ column: Int, _ channel: Int = 0) -> UInt8 {
        UInt8(truncatingIfNeeded: image * 100 + row * 10 + column + channel)
    }

    func copyImage(_ index: Int, into buffer: UnsafeMutableBufferPointer<UInt8>) throws {
        if index == broken { throw DatasetError(name, "image \(index) is broken") }
        var position = 0
        for row in 0..<height {
            for column in 0..<width {
                for channel in 0..<channels {
                    buffer[position] = byte(index, row, column, channel)
                    position += 1
                }
            }
        }
    }
}

/// Normalises nothing: the byte b becomes b/255.
func identity(_ channels: Int = 1) throws -> PixelNormalization {
    try PixelNormalization(
        mean: [Double](repeating: 0, count: channels), deviation: [Double](repeating: 1, count: channels))
}

/// Float64 values in 0...1 to the bytes they came from.
func bytes(_ tensor: Tensor) throws -> [Int] { try tensor.doubles().map { Int(($0 * 255).rounded()) } }

extension Dataset {
    /// [N, H, W, C]
    var shape: Shape { [count, height, width, channels] }
}
