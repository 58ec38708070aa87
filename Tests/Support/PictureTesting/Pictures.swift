import CPNG
import CTurboJPEG
import Datasets
import Foundation

/// The image as a PNG file.
public func png(_ image: PixelImage) -> [UInt8] {
    var size = 1 << 20
    var bytes = [UInt8](repeating: 0, count: size)
    let status = errata_png_write(
        &bytes, &size, image.pixels, UInt32(image.width), UInt32(image.height), Int32(image.channels))
    precondition(status != 0, "libpng cannot write the image")
    return Array(bytes[..<size])
}

/// The image, of one channel or three, as a JPEG file.
public func jpeg(_ image: PixelImage, quality: Int32 = 95) -> [UInt8] {
    let handle = tjInitCompress()
    defer { tjDestroy(handle) }
    var (buffer, size): (UnsafeMutablePointer<UInt8>?, UInt) = (nil, 0)
    let (format, subsampling) = image.channels == 3 ? (TJPF_RGB, TJSAMP_444) : (TJPF_GRAY, TJSAMP_GRAY)
    let status = tjCompress2(
        handle, image.pixels, Int32(image.width), 0, Int32(image.height), format.rawValue, &buffer, &size,
        Int32(subsampling.rawValue), quality, 0)
    precondition(status == 0, "TurboJPEG cannot write the image")
    defer { tjFree(buffer) }
    return Array(UnsafeBufferPointer(start: buffer, count: Int(size)))
}

/// A picture of one colour.
public func plain(_ height: Int, _ width: Int, _ color: [UInt8]) -> PixelImage {
    PixelImage(
        height: height, width: width, channels: color.count,
        pixels: (0..<height * width).flatMap { _ in color })
}

/// A picture whose brightness rises with the rows and columns.
public func ramp(_ height: Int, _ width: Int) -> PixelImage {
    var pixels: [UInt8] = []
    for y in 0..<height {
        for x in 0..<width {
            let values = [y * 255 / height, x * 255 / width, (y + x) * 255 / (height + width)]
            pixels += values.map { UInt8($0) }
        }
    }
    return PixelImage(height: height, width: width, channels: 3, pixels: pixels)
}

/// Files in a folder of their own, which lasts as long as the value.
public final class FileTree: Sendable {
    public let path = FileManager.default.temporaryDirectory.path + "/tree-\(UUID().uuidString)"

    /// - Parameter files: by their paths within the folder.
    public init(_ files: [String: [UInt8]] = [:]) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try write(files)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    public func write(_ files: [String: [UInt8]]) throws {
        for (name, bytes) in files {
            let url = URL(filePath: "\(path)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: url)
        }
    }
}
