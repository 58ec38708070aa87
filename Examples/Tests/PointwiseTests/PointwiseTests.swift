import PluginTesting
import Pointwise
import Testing

@Test func conforms() throws {
    try checkPlugin(
        PointwisePlugin(), networkSettings: ["pointwise": "{channels: 4, cells: 3, auxiliary: false}"])
}
