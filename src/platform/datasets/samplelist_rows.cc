#include "platform/datasets/samplelist_rows.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <utility>

#include "platform/datasets/internal/builder.h"
#include "platform/datasets/internal/lines.h"
#include "platform/datasets/internal/places.h"

namespace ekya::datasets {
namespace {

constexpr int kNone = -1;

/// Where each column stands; kNone where the list has none such.
struct ListColumns {
  int idx = kNone, picture = kNone, frame = kNone, camera = kNone, segment = kNone, seconds = kNone,
      label = kNone, x0 = kNone, y0 = kNone, x1 = kNone, y1 = kNone;
  bool crops = false;  ///< Each row is a picture of its own.
  std::size_t count = 0;
};

/// The columns that a header's names say.
Result<ListColumns> ReadHeader(const LineReader& lines, const std::vector<std::string>& names) {
  ListColumns columns;
  columns.count = names.size();
  const std::pair<const char*, int*> known[] = {{"idx", &columns.idx},
                                                {"imgpath", &columns.picture},
                                                {"image name", &columns.picture},
                                                {"frame id", &columns.frame},
                                                {"camera", &columns.camera},
                                                {"camera name", &columns.camera},
                                                {"segment", &columns.segment},
                                                {"timestamp", &columns.seconds},
                                                {"class", &columns.label},
                                                {"x0", &columns.x0},
                                                {"y0", &columns.y0},
                                                {"x1", &columns.x1},
                                                {"y1", &columns.y1},
                                                {"xmin", &columns.x0},
                                                {"ymin", &columns.y0},
                                                {"xmax", &columns.x1},
                                                {"ymax", &columns.y1}};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string_view name = Trimmed(names[i]);
    for (const auto& [word, place] : known) {
      if (name != word) continue;
      if (*place != kNone) return lines.At("header", name, "each column once");
      *place = static_cast<int>(i);
      columns.crops |= name == "image name";
    }
  }
  const bool has_box =
      columns.x0 != kNone && columns.y0 != kNone && columns.x1 != kNone && columns.y1 != kNone;
  const bool has_frame = columns.picture != kNone || columns.frame != kNone || columns.idx != kNone;
  if (columns.label == kNone || !has_frame || !(has_box || columns.crops)) {
    return lines.At("header", lines.line(),
                    "columns such as idx,class,x0,y0,x1,y1 or idx,imgpath,class,x0,y0,x1,y1");
  }
  if (columns.crops && (columns.segment == kNone || columns.camera == kNone)) {
    return lines.At("header", lines.line(), "the columns segment and camera name, too");
  }
  return columns;
}

/// The columns of a list without a header.
Result<ListColumns> ColumnsOf(const LineReader& lines, std::size_t count) {
  if (count != 6 && count != 7) {
    return lines.At(
        fmt::format("found {} values and no header, expected 6 (idx,class,x0,y0,x1,y1)"
                    " or 7 (idx,imgpath,class,x0,y0,x1,y1)",
                    count));
  }
  ListColumns columns;
  columns.count = count;
  int next = 0;
  columns.idx = next++;
  if (count == 7) columns.picture = next++;
  for (int* place : {&columns.label, &columns.x0, &columns.y0, &columns.x1, &columns.y1}) {
    *place = next++;
  }
  return columns;
}

bool IsNumber(std::string_view text) {
  text = Trimmed(text);
  double number = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && stop == text.data() + text.size();
}

Result<SamplelistRow> ReadListRow(const LineReader& lines, const ListColumns& columns,
                                  const std::vector<std::string>& fields) {
  constexpr std::int64_t kMostFrames = 100'000'000;
  const auto field = [&](int column) -> const std::string& {
    return fields[static_cast<std::size_t>(column)];
  };
  SamplelistRow row;
  row.line = lines.number();
  if (columns.camera != kNone) row.camera = Trimmed(field(columns.camera));
  if (columns.crops) {
    row.picture = fmt::format("{}/{}/{}", Trimmed(field(columns.segment)), row.camera,
                              Trimmed(field(columns.picture)));
  } else if (columns.picture != kNone) {
    row.picture = Trimmed(field(columns.picture));
  } else {
    const int column = columns.frame != kNone ? columns.frame : columns.idx;
    EKYA_ASSIGN(row.frame, ReadInteger(lines, columns.frame != kNone ? "frame id" : "idx",
                                       field(column), 0, kMostFrames));
  }
  if (row.frame < 0) {
    if (const auto name = Below("", row.picture); !name.ok()) {
      return lines.At("imgpath", row.picture, "a path below its folder");
    }
  } else if (!row.camera.empty() && !Below("", row.camera).ok()) {
    return lines.At("camera", row.camera, "a path below its folder");
  }
  row.label = Trimmed(field(columns.label));
  if (row.label.empty() || row.label.size() > 200) {
    return lines.At("class", row.label, "a number or a name of at most 200 characters");
  }
  if (IsNumber(row.label)) {
    EKYA_ASSIGN(row.number, ReadInteger(lines, "class", row.label, 0, 1'000'000));
  }
  if (columns.seconds != kNone) {
    EKYA_ASSIGN(const double time, ReadNumber(lines, "timestamp", field(columns.seconds)));
    row.seconds = columns.crops ? time * 1e-6 : time;
  }
  row.crop = columns.crops;
  if (row.crop) return row;
  double x1 = 0;
  double y1 = 0;
  EKYA_ASSIGN(row.box.x, ReadNumber(lines, "x0", field(columns.x0)));
  EKYA_ASSIGN(row.box.y, ReadNumber(lines, "y0", field(columns.y0)));
  EKYA_ASSIGN(x1, ReadNumber(lines, "x1", field(columns.x1)));
  EKYA_ASSIGN(y1, ReadNumber(lines, "y1", field(columns.y1)));
  if (x1 < row.box.x) return lines.At("x1", field(columns.x1), "at least x0");
  if (y1 < row.box.y) return lines.At("y1", field(columns.y1), "at least y0");
  row.box.width = x1 - row.box.x;
  row.box.height = y1 - row.box.y;
  if (!IsBox(row.box)) return lines.At("x0,y0,x1,y1", lines.line(), kBoxExpected);
  return row;
}

}  // namespace

Result<std::vector<SamplelistRow>> ReadSamplelistRows(std::istream& text, const std::string& file) {
  LineReader lines(text, file);
  std::vector<SamplelistRow> rows;
  std::optional<ListColumns> columns;
  while (true) {
    EKYA_ASSIGN(const bool more, lines.Next());
    if (!more) break;
    const auto fields = SplitCsv(lines.line());
    if (!columns) {
      const bool header = !IsNumber(fields[0]);
      EKYA_ASSIGN(columns, header ? ReadHeader(lines, fields) : ColumnsOf(lines, fields.size()));
      if (header) continue;
    }
    if (fields.size() != columns->count) {
      return lines.At(fmt::format("found {} values, expected {} as in the first line",
                                  fields.size(), columns->count));
    }
    EKYA_ASSIGN(SamplelistRow row, ReadListRow(lines, *columns, fields));
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return Error{ErrorCode::kInvalid, file + ": found no row, expected some"};
  return rows;
}

}  // namespace ekya::datasets
