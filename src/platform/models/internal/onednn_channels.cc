// How a planner brings channels into the order and the layout in which a layer reads them.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "platform/models/internal/onednn_planner.h"

namespace ekya::models::internal {

std::int64_t OneDnnPlanner::BlockOf(const Desc& desc) {
  const Dimensions dimensions = desc.dims();
  const auto lies = [&](Tag tag) { return desc == Desc(dimensions, desc.data_type(), tag); };
  if (dimensions.size() == 2) return lies(Tag::nc) ? dimensions[1] : 0;
  if (lies(Tag::nhwc)) return dimensions[1];
  if (lies(Tag::nChw16c)) return 16;
  if (lies(Tag::nChw8c)) return 8;
  return lies(Tag::nchw) ? 1 : 0;
}

int OneDnnPlanner::Reordered(int tensor, const Desc& wanted) {
  if (DescOf(tensor) == wanted) return tensor;
  for (const Copy& each : copies_) {
    if (each.tensor == tensor && DescOf(each.copy) == wanted) return each.copy;
  }
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::reorder::primitive_desc description(network_.engine, DescOf(tensor), network_.engine,
                                                  wanted, attributes);
  const int copy = NewTensor(wanted);
  AddStep(0, dnnl::reorder(description), description.scratchpad_desc(),
          {{DNNL_ARG_FROM, tensor}, {DNNL_ARG_TO, copy}});
  copies_.push_back({tensor, copy});
  return copy;
}

int OneDnnPlanner::Whole(int layer) {
  if (ValueOf(layer).tensor >= 0) return ValueOf(layer).tensor;
  // The copies' steps come first: a tensor is written by the step after those that there are.
  auto channels = ValueOf(layer).channels;
  for (OneDnnChannel& each : channels) {
    const Desc& desc = DescOf(each.tensor);
    if (desc.data_type() == type_ && BlockOf(desc) > 0) continue;
    each.tensor = Reordered(each.tensor, Between(desc.dims()));
  }
  const int tensor = NewTensor(Between(ValueOf(layer).dimensions));
  GatherInto(channels, tensor);
  ValueOf(layer).tensor = tensor;
  ValueOf(layer).channels.clear();
  return tensor;
}

int OneDnnPlanner::As(int layer, const Desc& wanted) { return Reordered(Whole(layer), wanted); }

void OneDnnPlanner::GatherInto(const std::vector<OneDnnChannel>& channels, int tensor) {
  // Whatever the layout, channel c of a pixel is number c % block of block c / block of it.
  const Desc desc = DescOf(tensor);
  const std::int64_t block = BlockOf(desc);
  EKYA_CHECK(block > 0);
  const Dimensions size = desc.dims();
  OneDnnGather gather;
  gather.to = tensor;
  gather.count = size[0];
  gather.area = size[2] * size[3];
  gather.to_step = block;
  const auto whole = static_cast<std::int64_t>(channels.size());
  const std::int64_t padded = (whole + block - 1) / block * block;
  gather.to_item = padded * gather.area;
  gather.bytes = type_ == Type::f32 ? 4 : 2;
  for (std::int64_t c = 0; c < padded; ++c) {
    OneDnnGather::Piece piece;
    piece.to = c / block * block * gather.area + c % block;
    piece.run = 1;
    if (c < whole) {
      const OneDnnChannel& source = channels[static_cast<std::size_t>(c)];
      const Desc& from = DescOf(source.tensor);
      const std::int64_t step = BlockOf(from);
      EKYA_CHECK(step > 0);
      piece.tensor = source.tensor;
      piece.from = source.channel / step * step * gather.area + source.channel % step;
      piece.from_step = step;
      piece.from_item = (from.dims()[1] + step - 1) / step * step * gather.area;
    }
    // What lies side by side here and there is copied together.
    auto* const last = gather.pieces.empty() ? nullptr : &gather.pieces.back();
    const bool goes_on = last != nullptr && last->tensor == piece.tensor &&
                         piece.to == last->to + last->run && c % block != 0 &&
                         (piece.tensor < 0 || (piece.from == last->from + last->run &&
                                               piece.from % piece.from_step != 0));
    if (goes_on) {
      ++last->run;
    } else {
      gather.pieces.push_back(piece);
    }
  }
  OneDnnPlan::Step step;
  step.gather = plan_.gathers_.size();
  plan_.gathers_.push_back(std::move(gather));
  plan_.steps_.push_back(std::move(step));
}

std::vector<OneDnnChannel> OneDnnPlanner::ChannelsOf(int layer) {
  const Value& value = ValueOf(layer);
  if (value.tensor < 0) return value.channels;
  std::vector<OneDnnChannel> channels;
  for (std::int64_t c = 0; c < value.dimensions[1]; ++c) channels.push_back({value.tensor, c});
  return channels;
}

void OneDnnPlanner::PlanViews(int before) {
  for (; viewed_ < before; ++viewed_) {
    const Layer& here = At(viewed_);
    if (!IsView(here.kind)) continue;
    Value& value = ValueOf(viewed_);
    value.dimensions = SizeOf(viewed_);
    if (here.kind == Layer::Kind::kFlatten) {
      value = {value.dimensions, Whole(here.inputs[0]), {}};
      continue;
    }
    for (const int input : here.inputs) {
      const auto channels = ChannelsOf(input);
      value.channels.insert(value.channels.end(), channels.begin(), channels.end());
    }
    if (here.kind == Layer::Kind::kSlice) {
      const auto first = value.channels.begin() + here.first_channel;
      value.channels = {first, first + here.channels};
    } else if (here.kind == Layer::Kind::kShuffle) {
      const auto each = static_cast<std::size_t>(here.channels / here.groups);
      const auto ordered = value.channels;
      for (std::size_t c = 0; c < ordered.size(); ++c) {
        value.channels[c % each * static_cast<std::size_t>(here.groups) + c / each] = ordered[c];
      }
    }
  }
}

}  // namespace ekya::models::internal
