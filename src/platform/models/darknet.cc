#include "platform/models/darknet.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "base/check.h"

namespace ekya::models {
namespace {

// What a file may ask for: above the largest published networks, and far below what would exhaust
// a box.
constexpr std::size_t kMostSections = 1000;
constexpr int kMostChannels = 16384;
constexpr int kLargestSide = 4096;
constexpr int kMostClasses = 4096;
constexpr int kStages = 5;
constexpr double kDarknetEpsilon = 1e-6;

struct Value {
  std::string text;
  int line = 0;
};

struct Section {
  std::string name;
  int line = 0;
  std::map<std::string, Value> values;
};

std::string_view Trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Printable and short, for messages.
std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, 40));
  std::replace_if(
      shown.begin(), shown.end(),
      [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e;
      },
      '?');
  return shown;
}

Error At(const std::string& file, int line, const std::string& problem) {
  return {ErrorCode::kInvalid, fmt::format("{}:{}: {}", file, line, problem)};
}

Result<std::vector<Section>> SplitSections(std::string_view text, const std::string& file) {
  std::vector<Section> sections;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      if (line.back() != ']' || line.size() < 3) {
        return At(file, number, fmt::format("found '{}', expected [name]", Shown(line)));
      }
      if (sections.size() == kMostSections) {
        return At(file, number, fmt::format("found more than {} sections", kMostSections));
      }
      sections.push_back({std::string(line.substr(1, line.size() - 2)), number, {}});
      continue;
    }
    const std::size_t equals = line.find('=');
    const std::string key(Trim(line.substr(0, std::min(equals, line.size()))));
    if (equals == std::string_view::npos || key.empty() || sections.empty()) {
      return At(file, number,
                fmt::format("found '{}', expected {}", Shown(line),
                            sections.empty() ? "[net]" : "key=value or [name]"));
    }
    const Value value = {std::string(Trim(line.substr(equals + 1))), number};
    if (!sections.back().values.emplace(key, value).second) {
      return At(file, number, fmt::format("{}: found twice in its section", Shown(key)));
    }
  }
  return sections;
}

/// Reads the values of one section and remembers the first error.
class SectionReader {
 public:
  SectionReader(const Section& section, const std::string& file) : section_(section), file_(file) {}

  bool Has(const std::string& key) const { return section_.values.contains(key); }
  int LineOf(const std::string& key) const {
    const auto found = section_.values.find(key);
    return found == section_.values.end() ? section_.line : found->second.line;
  }

  int Integer(const std::string& key, int absent, int low, int high) {
    const Value* value = Take(key);
    if (value == nullptr) return absent;
    int number = 0;
    if (!Parse(value->text, &number) || number < low || number > high) {
      Fail(key, value->text, fmt::format("an integer from {} to {}", low, high));
      return absent;
    }
    return number;
  }

  double Number(const std::string& key, double absent, double low, double high) {
    const Value* value = Take(key);
    if (value == nullptr) return absent;
    double number = 0;
    // Written so that what is no number fails.
    if (!Parse(value->text, &number) || !(number >= low && number <= high)) {
      Fail(key, value->text, fmt::format("a number from {} to {}", low, high));
      return absent;
    }
    return number;
  }

  template <typename Number>
  std::vector<Number> List(const std::string& key) {
    const Value* value = Take(key);
    std::vector<Number> numbers;
    if (value == nullptr) {
      Fail(key, "nothing", "numbers, separated by commas");
      return numbers;
    }
    std::string_view rest = value->text;
    for (;;) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      Number number = 0;
      if (!Parse(Trim(rest.substr(0, comma)), &number)) {
        Fail(key, value->text, "numbers, separated by commas");
        return {};
      }
      numbers.push_back(number);
      if (comma == rest.size()) return numbers;
      rest.remove_prefix(comma + 1);
      if (Trim(rest).empty()) return numbers;  // a comma at the end is usual
    }
  }

  std::string Text(const std::string& key, const std::string& absent) {
    const Value* value = Take(key);
    return value == nullptr ? absent : value->text;
  }

  void Ignore(const std::string& key) { taken_.insert(key); }

  void Fail(const std::string& key, const std::string& found, const std::string& expected) {
    if (!status_.ok()) return;
    status_ = At(file_, LineOf(key),
                 fmt::format("[{}] {}: found {}, expected {}", Shown(section_.name), key,
                             Shown(found), expected));
  }
  void Fail(const std::string& problem) {
    if (status_.ok()) {
      status_ = At(file_, section_.line, fmt::format("[{}]: {}", Shown(section_.name), problem));
    }
  }

  /// Also refuses the keys that nobody asked for.
  Status Finish() {
    for (const auto& [key, value] : section_.values) {
      if (taken_.contains(key) || !status_.ok()) continue;
      status_ = At(file_, value.line,
                   fmt::format("[{}] {}: unknown key, expected one of: {}", Shown(section_.name),
                               Shown(key), fmt::join(taken_, ", ")));
    }
    return status_;
  }
  bool failed() const { return !status_.ok(); }

 private:
  template <typename Number>
  static bool Parse(std::string_view text, Number* number) {
    const char* const end = text.data() + text.size();
    const auto [rest, code] = std::from_chars(text.data(), end, *number);
    return !text.empty() && code == std::errc() && rest == end;
  }

  const Value* Take(const std::string& key) {
    taken_.insert(key);
    const auto found = section_.values.find(key);
    return found == section_.values.end() ? nullptr : &found->second;
  }

  const Section& section_;
  const std::string& file_;
  std::set<std::string> taken_;
  Status status_;
};

/// A section's result: where it is in the graph, and how large.
struct Place {
  int layer = -1;  // none: a [yolo]
  int width = 0;
  int height = 0;
  int reductions = 0;  // how often the picture was halved before
};

/// Builds the graph, section by section.
class Builder {
 public:
  explicit Builder(const std::string& file) : file_(file) {}

  Status Begin(const Section& section) {
    SectionReader reader(section, file_);
    if (section.name != "net" && section.name != "network") {
      reader.Fail("found first, expected [net]");
      return reader.Finish();
    }
    network_.width = reader.Integer("width", 0, 1, kLargestSide);
    network_.height = reader.Integer("height", 0, 1, kLargestSide);
    for (const char* key : {"width", "height"}) {
      if (!reader.Has(key)) reader.Fail(key, "nothing", "the input's size in pixels");
    }
    reader.Integer("channels", 3, 3, 3);
    for (const auto& [key, value] : section.values) reader.Ignore(key);
    last_ = {network_.graph.input(), network_.width, network_.height, 0};
    return reader.Finish();
  }

  Status Add(const Section& section) {
    SectionReader reader(section, file_);
    using Read = void (Builder::*)(SectionReader&);
    static const std::map<std::string, Read> kReaders = {
        {"convolutional", &Builder::AddConvolution},
        {"conv", &Builder::AddConvolution},
        {"maxpool", &Builder::AddMaxPool},
        {"upsample", &Builder::AddUpsample},
        {"route", &Builder::AddRoute},
        {"shortcut", &Builder::AddShortcut},
        {"dropout", &Builder::AddDropout},
        {"yolo", &Builder::AddYolo}};
    const auto read = kReaders.find(section.name);
    if (read == kReaders.end()) {
      std::string known;
      for (const auto& [name, unused] : kReaders) known += (known.empty() ? "" : ", ") + name;
      return At(
          file_, section.line,
          fmt::format("[{}]: unknown layer, expected one of: {}", Shown(section.name), known));
    }
    if (last_.layer < 0 && section.name != "route") {
      reader.Fail("found after [yolo], expected [route], which says what comes in");
      return reader.Finish();
    }
    (this->*read->second)(reader);
    EKYA_RETURN_IF_ERROR(reader.Finish());
    places_.push_back(last_);
    return {};
  }

  Result<DarknetNetwork> Finish() {
    if (network_.heads.empty()) {
      return Error{ErrorCode::kInvalid, file_ + ": found no [yolo], expected at least one"};
    }
    MarkHeads();
    return std::move(network_);
  }

 private:
  LayerGraph& graph() { return network_.graph; }
  std::string Name(const char* part) const {
    return fmt::format("layers.{}.{}", places_.size(), part);
  }

  int Append(Layer layer) {
    const int index = graph().Append(std::move(layer));
    // Until 1/8 of the picture, 1/16, 1/32, and the rest.
    graph().PlaceInStage(index, std::clamp(last_.reductions - 2, 0, kStages - 2));
    return index;
  }

  void Activate(SectionReader& reader) {
    static const std::map<std::string, Activation> kActivations = {
        {"linear", Activation::kLinear},   {"leaky", Activation::kLeaky},
        {"relu", Activation::kRelu},       {"relu6", Activation::kRelu6},
        {"mish", Activation::kMish},       {"swish", Activation::kSilu},
        {"logistic", Activation::kSigmoid}};
    const std::string name = reader.Text("activation", "linear");
    const auto found = kActivations.find(name);
    if (found == kActivations.end()) {
      std::string known;
      for (const auto& [each, unused] : kActivations) known += (known.empty() ? "" : ", ") + each;
      return reader.Fail("activation", name, "one of: " + known);
    }
    if (found->second == Activation::kLinear) return;
    last_.layer = Append({.kind = Layer::Kind::kActivation,
                          .inputs = {last_.layer},
                          .channels = graph().channels(last_.layer),
                          .activation = found->second});
  }

  /// The picture's size after a step of `kernel` and `stride` over it with `padding` pixels more.
  void Reduce(SectionReader& reader, int kernel, int stride, int padding) {
    const auto reduced = [&](int side) { return (side + padding - kernel) / stride + 1; };
    if (std::min(last_.width, last_.height) + padding < kernel) {
      return reader.Fail(
          "size", std::to_string(kernel),
          fmt::format("at most the {} x {} pixels that come in", last_.width, last_.height));
    }
    if (stride > 1) ++last_.reductions;
    last_.width = reduced(last_.width);
    last_.height = reduced(last_.height);
  }

  void AddConvolution(SectionReader& reader) {
    const int channels = graph().channels(last_.layer);
    const int filters = reader.Integer("filters", 1, 1, kMostChannels);
    const int kernel = reader.Integer("size", 1, 1, 31);
    const int stride = reader.Integer("stride", 1, 1, 16);
    const int padded = reader.Integer("pad", 0, 0, 1);
    const int padding = padded == 1 ? kernel / 2 : reader.Integer("padding", 0, 0, 15);
    if (padded == 1) reader.Ignore("padding");
    const int groups = reader.Integer("groups", 1, 1, kMostChannels);
    const bool norm = reader.Integer("batch_normalize", 0, 0, 1) == 1;
    if (channels % groups != 0 || filters % groups != 0) {
      return reader.Fail("groups", std::to_string(groups),
                         fmt::format("a divisor of {} channels in and {} out", channels, filters));
    }
    Reduce(reader, kernel, stride, 2 * padding);
    if (reader.failed()) return;
    last_.layer = Append({.kind = Layer::Kind::kConvolution,
                          .inputs = {last_.layer},
                          .name = Name("convolution"),
                          .channels = filters,
                          .kernel = kernel,
                          .stride = stride,
                          .padding = padding,
                          .groups = groups,
                          .bias = !norm});
    if (norm) {
      last_.layer = Append({.kind = Layer::Kind::kBatchNorm,
                            .inputs = {last_.layer},
                            .name = Name("norm"),
                            .channels = filters,
                            .epsilon = kDarknetEpsilon});
    }
    Activate(reader);
  }

  void AddMaxPool(SectionReader& reader) {
    const int stride = reader.Integer("stride", 1, 1, 16);
    const int kernel = reader.Integer("size", stride, 1, 31);
    const int padding = reader.Integer("padding", kernel - 1, 0, 30);
    if (padding / 2 >= kernel || padding - padding / 2 >= kernel) {
      return reader.Fail("padding", std::to_string(padding), "less than twice the size");
    }
    Reduce(reader, kernel, stride, padding);
    if (reader.failed()) return;
    last_.layer = Append({.kind = Layer::Kind::kMaxPool,
                          .inputs = {last_.layer},
                          .channels = graph().channels(last_.layer),
                          .kernel = kernel,
                          .stride = stride,
                          .padding = padding / 2,
                          .padding_after = padding - padding / 2});
  }

  void AddUpsample(SectionReader& reader) {
    const int stride = reader.Integer("stride", 2, 1, 16);
    if (stride * std::max(last_.width, last_.height) > kLargestSide) {
      return reader.Fail("stride", std::to_string(stride),
                         fmt::format("a result of at most {} pixels", kLargestSide));
    }
    last_.width *= stride;
    last_.height *= stride;
    last_.layer = Append({.kind = Layer::Kind::kUpsample,
                          .inputs = {last_.layer},
                          .channels = graph().channels(last_.layer),
                          .stride = stride});
  }

  /// The result of the section `number`: from the file's start, or negative from here back.
  const Place* Find(SectionReader& reader, const std::string& key, int number) {
    const int here = static_cast<int>(places_.size());
    const int index = number < 0 ? here + number : number;
    if (index < 0 || index >= here || places_[static_cast<std::size_t>(index)].layer < 0) {
      reader.Fail(key, std::to_string(number),
                  fmt::format("a layer with a result before this one, which is layer {}", here));
      return nullptr;
    }
    return &places_[static_cast<std::size_t>(index)];
  }

  void AddRoute(SectionReader& reader) {
    const auto numbers = reader.List<int>("layers");
    const int groups = reader.Integer("groups", 1, 1, kMostChannels);
    const int group = reader.Integer("group_id", 0, 0, groups - 1);
    std::vector<int> inputs;
    int channels = 0;
    for (const int number : numbers) {
      const Place* place = Find(reader, "layers", number);
      if (place == nullptr) return;
      if (inputs.empty()) last_ = *place;
      if (place->width != last_.width || place->height != last_.height) {
        return reader.Fail("layers",
                           fmt::format("layers of {} x {} and {} x {} pixels", last_.width,
                                       last_.height, place->width, place->height),
                           "layers of one size");
      }
      last_.reductions = std::max(last_.reductions, place->reductions);
      int input = place->layer;
      if (groups > 1) {
        const int count = graph().channels(input) / groups;
        if (count * groups != graph().channels(input)) {
          return reader.Fail("groups", std::to_string(groups),
                             fmt::format("a divisor of {} channels", graph().channels(input)));
        }
        input = Append({.kind = Layer::Kind::kSlice,
                        .inputs = {input},
                        .channels = count,
                        .first_channel = group * count});
      }
      channels += graph().channels(input);
      inputs.push_back(input);
    }
    if (inputs.empty() || reader.failed()) return;
    if (channels > kMostChannels) {
      return reader.Fail("layers", fmt::format("{} channels", channels),
                         fmt::format("at most {}", kMostChannels));
    }
    last_.layer = inputs.front();
    if (inputs.size() == 1) return;
    last_.layer =
        Append({.kind = Layer::Kind::kConcatenate, .inputs = inputs, .channels = channels});
  }

  void AddShortcut(SectionReader& reader) {
    if (!reader.Has("from")) reader.Fail("from", "nothing", "a layer before this one");
    const int number = reader.Integer("from", -1, -static_cast<int>(kMostSections),
                                      static_cast<int>(kMostSections));
    const Place* other = reader.failed() ? nullptr : Find(reader, "from", number);
    if (other == nullptr) return;
    const int channels = graph().channels(last_.layer);
    const int other_channels = graph().channels(other->layer);
    if (other->width != last_.width || other->height != last_.height ||
        other_channels != channels) {
      return reader.Fail("from",
                         fmt::format("{} x {} x {}", other_channels, other->height, other->width),
                         fmt::format("a layer of {} x {} x {} as the last one", channels,
                                     last_.height, last_.width));
    }
    last_.layer = Append(
        {.kind = Layer::Kind::kAdd, .inputs = {last_.layer, other->layer}, .channels = channels});
    Activate(reader);
  }

  void AddDropout(SectionReader& reader) { reader.Number("probability", 0.5, 0, 1); }

  void AddYolo(SectionReader& reader) {
    YoloHead head;
    head.classes = reader.Integer("classes", 20, 1, kMostClasses);
    head.center_scale = reader.Number("scale_x_y", 1, 0.5, 4);
    reader.Integer("new_coords", 0, 0, 0);
    const auto anchors = reader.List<double>("anchors");
    for (const double each : anchors) {
      if (!(each > 0 && each <= kLargestSide)) {
        return reader.Fail("anchors", fmt::format("{}", each), "sizes in pixels");
      }
    }
    const auto count = static_cast<int>(anchors.size() / 2);
    reader.Integer("num", count, count, count);
    if (anchors.size() % 2 != 0) {
      return reader.Fail("anchors", fmt::format("{} numbers", anchors.size()),
                         "a width and a height each");
    }
    std::vector<int> mask(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) mask[static_cast<std::size_t>(i)] = i;
    if (reader.Has("mask")) mask = reader.List<int>("mask");
    for (const int index : mask) {
      if (index < 0 || index >= count) {
        return reader.Fail("mask", std::to_string(index),
                           fmt::format("0 to {}, one of the anchors", count - 1));
      }
      const auto i = static_cast<std::size_t>(index);
      head.anchors.emplace_back(anchors[2 * i], anchors[2 * i + 1]);
    }
    const auto expected = static_cast<int>(mask.size()) * (5 + head.classes);
    if (graph().channels(last_.layer) != expected) {
      reader.Fail(
          fmt::format("found {} channels coming in, expected {} for {} anchors and {} classes",
                      graph().channels(last_.layer), expected, mask.size(), head.classes));
      return;
    }
    for (const char* key : {"jitter",
                            "ignore_thresh",
                            "truth_thresh",
                            "random",
                            "iou_thresh",
                            "cls_normalizer",
                            "iou_normalizer",
                            "iou_loss",
                            "nms_kind",
                            "beta_nms",
                            "max",
                            "resize",
                            "obj_normalizer",
                            "max_delta",
                            "label_smooth_eps",
                            "focal_loss",
                            "uc_normalizer",
                            "counters_per_class",
                            "objectness_smooth",
                            "delta_normalizer",
                            "points",
                            "map",
                            "show_details"}) {
      reader.Ignore(key);
    }
    network_.heads.push_back(head);
    graph().Output(last_.layer);
    last_.layer = -1;
  }

  /// The last convolution before each output is the head, and what comes after it.
  void MarkHeads() {
    for (const int output : graph().outputs()) {
      for (int layer = output; layer > 0;) {
        graph().PlaceInStage(layer, kStages - 1);
        const Layer& here = graph().layers()[static_cast<std::size_t>(layer)];
        if (here.kind == Layer::Kind::kConvolution || here.inputs.size() != 1) break;
        layer = here.inputs[0];
      }
    }
  }

  const std::string& file_;
  DarknetNetwork network_;
  Place last_;
  std::vector<Place> places_;  // of each section after [net]
};

/// Takes numbers off the front of a weights file.
class WeightReader {
 public:
  WeightReader(std::string_view content, std::size_t skipped) : content_(content), at_(skipped) {}

  bool Take(std::vector<std::int64_t> shape, StoredTensor* tensor) {
    std::size_t bytes = sizeof(float);
    for (const auto size : shape) bytes *= static_cast<std::size_t>(size);
    if (content_.size() - at_ < bytes) return false;
    tensor->type = ElementType::kF32;
    tensor->shape = std::move(shape);
    tensor->bytes = content_.substr(at_, bytes);
    at_ += bytes;
    return true;
  }
  std::size_t left() const { return content_.size() - at_; }

 private:
  std::string_view content_;
  std::size_t at_;
};

}  // namespace

Result<DarknetNetwork> ParseDarknet(std::string_view text, const std::string& file) {
  EKYA_ASSIGN(const std::vector<Section> sections, SplitSections(text, file));
  if (sections.empty()) {
    return Error{ErrorCode::kInvalid, file + ": found no section, expected [net]"};
  }
  Builder builder(file);
  EKYA_RETURN_IF_ERROR(builder.Begin(sections.front()));
  for (std::size_t i = 1; i < sections.size(); ++i) EKYA_RETURN_IF_ERROR(builder.Add(sections[i]));
  return builder.Finish();
}

Result<std::string> ReplaceDarknetClasses(std::string_view text, const std::string& file,
                                          int classes) {
  EKYA_ASSIGN(const DarknetNetwork network, ParseDarknet(text, file));
  EKYA_ASSIGN(const std::vector<Section> sections, SplitSections(text, file));
  std::map<int, std::string> replaced;  // by line
  std::size_t head = 0;
  for (std::size_t i = 1; i < sections.size(); ++i) {
    if (sections[i].name != "yolo") continue;
    const auto filters = sections[i - 1].values.find("filters");
    const auto own = sections[i].values.find("classes");
    if (filters == sections[i - 1].values.end() || own == sections[i].values.end()) {
      return At(file, sections[i].line,
                "[yolo]: expected classes here and filters in the [convolutional] before it");
    }
    const auto anchors = static_cast<int>(network.heads[head++].anchors.size());
    replaced[filters->second.line] = fmt::format("filters={}", anchors * (5 + classes));
    replaced[own->second.line] = fmt::format("classes={}", classes);
  }
  std::string result;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto line = replaced.find(number);
    result += line == replaced.end() ? std::string(text.substr(0, end)) : line->second;
    result += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

Result<TensorFile> ParseDarknetWeights(const DarknetNetwork& network, std::string_view content,
                                       const std::string& file) {
  // Major, minor, revision; then the number of pictures seen, which grew to 64 bits with 0.2.
  constexpr std::size_t kVersion = 3 * sizeof(std::int32_t);
  std::int32_t version[3] = {};
  if (content.size() >= kVersion) std::memcpy(version, content.data(), kVersion);
  const bool wide = version[0] > 0 || version[1] >= 2;
  const std::size_t header = kVersion + (wide ? sizeof(std::int64_t) : sizeof(std::int32_t));
  if (content.size() < header) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: found {} bytes, expected a header of {} and the weights", file,
                             content.size(), header)};
  }
  TensorFile weights;
  WeightReader reader(content, header);
  const auto& layers = network.graph.layers();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer& layer = layers[i];
    if (layer.kind != Layer::Kind::kConvolution) continue;
    const auto take = [&](const std::string& name, std::vector<std::int64_t> shape) {
      return reader.Take(std::move(shape), &weights.tensors[name]);
    };
    const std::int64_t in = layers[static_cast<std::size_t>(layer.inputs[0])].channels;
    bool whole = true;
    if (layer.bias) {
      whole = take(layer.name + ".bias", {layer.channels});
    } else {
      EKYA_CHECK(i + 1 < layers.size() && layers[i + 1].kind == Layer::Kind::kBatchNorm);
      const std::string& norm = layers[i + 1].name;
      for (const char* part : {".bias", ".weight", ".running_mean", ".running_var"}) {
        whole = whole && take(norm + part, {layer.channels});
      }
      weights.tensors[norm + ".num_batches_tracked"] = {
          ElementType::kI64, {}, std::string(sizeof(std::int64_t), '\0')};
    }
    whole = whole && take(layer.name + ".weight",
                          {layer.channels, in / layer.groups, layer.kernel, layer.kernel});
    if (!whole) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: found {} bytes, which end within the weights of {}; expected "
                               "those of every layer",
                               file, content.size(), layer.name)};
    }
  }
  if (reader.left() > 0) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: found {} bytes, expected {}: those of every layer", file,
                             content.size(), content.size() - reader.left())};
  }
  return weights;
}

}  // namespace ekya::models
