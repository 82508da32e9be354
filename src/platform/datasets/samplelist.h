#pragma once

#include <filesystem>

#include "base/result.h"
#include "platform/datasets/dataset.h"

namespace ekya::datasets {

/// The layout "samplelist": `path` is a list or a folder of lists (.csv); each is a stream, named
/// like the file. Classes are what the rows say; numbers stand for the lines, from number 0, of a
/// `classes.txt` beside the list or in a folder above it, or else for `options.classes`.
///
/// Pictures are looked for from the list's folder upwards: `imgpath` also in `leftImg8bit/`; frames
/// as CAMERA/frame_images/000001.jpg or in CAMERA.mp4, where CAMERA is the list's name without
/// "_0.5fps" if no row says it. Time is the row's, else the frame's at the rate in the list's name
/// (1 a second where there is none), else pictures follow in the natural order of their
/// names, one a second; all after the date in the list's name (`__2017-09-10_19-08-25`), where one
/// is.
Result<Dataset> ReadSamplelists(const std::filesystem::path& path, const DatasetOptions& options);

/// The layouts "bellevue" and "vegas": the videos of Bellevue's traffic and of Las Vegas with the
/// golden model's labels, as the paper's authors publish them (edge-video-services/ekya): `path` is
/// the folder of the videos or of their frames, with the lists in `sample_lists/citywise/`,
/// `sample_lists/` or `samplelists/`. Classes are the six that the paper uses, of COCO's numbers
/// (1 person, 2 bicycle, 3 car, 4 motorcycle, 6 bus, 8 truck); others are left out.
Result<Dataset> ReadGoldenSamplelists(const std::filesystem::path& path,
                                      const DatasetOptions& options);

}  // namespace ekya::datasets
