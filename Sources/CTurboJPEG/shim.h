// TurboJPEG's own API: it catches libjpeg's errors itself, so that none jumps through Swift's frames.
#include <turbojpeg.h>
