import Bilevel
import DARTS
import DCGAN
import ErrataCLI
import Experiments
import Images
import LFM
import PCDARTS
import PDARTS
import WGANGP

ErrataCLI.main(
    plugins: [
        DARTSPlugin(), PDARTSPlugin(), PCDARTSPlugin(), DCGANPlugin(), WGANGPPlugin(), LFMPlugin(),
        BilevelPlugin(), ImagesPlugin(),
    ],
    defaults: ComponentDefaults(
        searchSpace: "darts", method: "lfm", generator: "dcgan", weighter: "validation-loss",
        hypergradient: "first-order", dataset: "fashion-mnist"))
