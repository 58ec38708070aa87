import Cells
import DARTS
import ErrataCore
import PCDARTS
import PDARTS
import TensorEngine
import Testing

@Suite("Published parameter counts")
struct ParameterCountTests {
    let images = ImageSpecification(height: 32, width: 32, channels: 3, classes: 10)

    @Test(arguments: [(CellSpaceSettings(), 1_930_618), (.partial, 299_578)])
    func supernet(_ settings: CellSpaceSettings, count: Int) throws {
        #expect(try CellSearchSpace(settings).supernet(for: images).layout.parameterCount == count)
    }

    @Test(arguments: [
        (CellGenotype.dartsV2, false, 3_349_342), (.dartsV2, true, 3_825_768), (.dartsV1, false, 3_169_414),
        (.dartsV1, true, 3_645_840), (.pdarts, false, 3_433_798), (.pcdartsCIFAR, false, 3_634_678),
    ])
    func discreteNetwork(_ genotype: CellGenotype, auxiliary: Bool, count: Int) throws {
        let network = try CellSearchSpace().network(
            genotype, CellNetworkSettings(channels: 36, cells: 20, auxiliary: auxiliary), for: images)
        #expect(network.layout.parameterCount == count)
    }
}
