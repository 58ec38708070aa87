import Cells
import ErrataCore
import PCDARTS
import TensorEngine
import Testing

/// What the methods' published code counts.
@Suite("Published parameter counts")
struct ParameterCountTests {
    private static let cifar = ImageSpecification(height: 32, width: 32, channels: 3, classes: 10)
    private static let imagenet = ImageSpecification(height: 224, width: 224, channels: 3, classes: 1000)

    /// PC-DARTS's supernet for ImageNet.
    private static let partialImageNet = {
        var settings = CellSpaceSettings.partial
        (settings.partialChannels, settings.stem) = (2, .imagenet)
        return settings
    }()

    @Test(arguments: [
        (CellSpaceSettings(), cifar, 1_930_618), (.partial, cifar, 299_578),
        (partialImageNet, imagenet, 956_512),
    ])
    func supernet(_ settings: CellSpaceSettings, _ images: ImageSpecification, count: Int) throws {
        #expect(try CellSearchSpace(settings).supernet(for: images).layout.parameterCount == count)
    }

    @Test(arguments: [
        ("DARTS_V1", false, 3_169_414), ("DARTS_V1", true, 3_645_840), ("DARTS_V2", false, 3_349_342),
        ("DARTS_V2", true, 3_825_768), ("PDARTS", false, 3_433_798), ("PC_DARTS_cifar", false, 3_634_678),
        ("PC_DARTS_image", false, 3_721_510), ("NASNet", false, 3_830_950), ("NASNet", true, 4_288_944),
        ("AmoebaNet", false, 3_145_078), ("AmoebaNet", true, 3_603_072),
    ])
    func cifarNetwork(_ name: String, auxiliary: Bool, count: Int) throws {
        #expect(
            try self.count(name, .init(channels: 36, cells: 20, auxiliary: auxiliary), Self.cifar) == count)
    }

    @Test(arguments: [
        ("DARTS_V1", false, 4_510_432), ("DARTS_V2", false, 4_718_752), ("DARTS_V2", true, 5_979_528),
        ("PC_DARTS_cifar", false, 5_270_560), ("PC_DARTS_image", false, 5_342_464),
        ("NASNet", false, 5_564_320), ("NASNet", true, 6_800_520), ("AmoebaNet", false, 4_627_360),
        ("AmoebaNet", true, 5_863_560),
    ])
    func imagenetNetwork(_ name: String, auxiliary: Bool, count: Int) throws {
        let settings = CellNetworkSettings(channels: 48, cells: 14, stem: .imagenet, auxiliary: auxiliary)
        #expect(try self.count(name, settings, Self.imagenet) == count)
        guard auxiliary else { return }
        var normed = settings
        normed.auxiliaryNorm = true
        #expect(try self.count(name, normed, Self.imagenet) == count + 2 * 768)
    }

    private func count(_ name: String, _ settings: CellNetworkSettings, _ images: ImageSpecification) throws
        -> Int
    {
        let space = try CellSearchSpace()
        let genotype = try #require(space.published.first { $0.name == name }?.genotype)
        return try space.network(genotype, settings, for: images).layout.parameterCount
    }
}
