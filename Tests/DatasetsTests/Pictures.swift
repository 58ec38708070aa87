import CPNG
import CTurboJPEG
import Datasets
import Foundation
import Testing

/// A file of the fixtures (scripts/fixtures/pictures.py).
func fixture(_ name: String) throws -> [UInt8] {
    let url = Bundle.module.bundleURL.appending(path: "Fixtures/\(name)")
    return [UInt8](try Data(contentsOf: url))
}

func fixturePath(_ name: String) -> String {
    Bundle.module.bundleURL.appending(path: "Fixtures/\(name)").path
}

/// The image as a PNG file.
func png(_ image: PixelImage) throws -> [UInt8] {
    var size = 1 << 20
    var bytes = [UInt8](repeating: 0, count: size)
    let status = errata_png_write(
        &bytes, &size, image.pixels, UInt32(image.width), UInt32(image.height), Int32(image.channels))
    #expect(status != 0)
    return Array(bytes[..<size])
}

/// The image, of one channel or three, as a JPEG file.
func jpeg(_ image: PixelImage, quality: Int32 = 95) throws -> [UInt8] {
    let handle = try #require(tjInitCompress())
    defer { tjDestroy(handle) }
    var (buffer, size): (UnsafeMutablePointer<UInt8>?, UInt) = (nil, 0)
    let (format, subsampling) = image.channels == 3 ? (TJPF_RGB, TJSAMP_444) : (TJPF_GRAY, TJSAMP_GRAY)
    let status = tjCompress2(
        handle, image.pixels, Int32(image.width), 0, Int32(image.height), format.rawValue, &buffer, &size,
        Int32(subsampling.rawValue), quality, 0)
    defer { tjFree(buffer) }
    #expect(status == 0)
    return Array(UnsafeBufferPointer(start: buffer, count: Int(size)))
}

/// A picture of one colour.
func plain(_ height: Int, _ width: Int, _ color: [UInt8]) -> PixelImage {
    PixelImage(
        height: height, width: width, channels: color.count,
        pixels: (0..<height * width).flatMap { _ in color })
}

/// A picture whose brightness rises with the rows and columns.
func ramp(_ height: Int, _ width: Int) -> PixelImage {
    var pixels: [UInt8] = []
    for y in 0..<height {
        for x in 0..<width {
            let values = [y * 255 / height, x * 255 / width, (y + x) * 255 / (height + width)]
            pixels += values.map { UInt8($0) }
        }
    }
    return PixelImage(height: height, width: width, channels: 3, pixels: pixels)
}
