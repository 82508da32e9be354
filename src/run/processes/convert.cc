#include "run/processes/convert.h"

#include <utility>

namespace ekya::processes {
namespace {

template <typename T, typename From>
std::vector<T> All(const From& from) {
  return {from.begin(), from.end()};
}

void PackDetection(const Detection& detection, messages::Detection* packed) {
  packed->set_x(detection.box.x);
  packed->set_y(detection.box.y);
  packed->set_width(detection.box.width);
  packed->set_height(detection.box.height);
  packed->set_class_index(detection.class_index);
  packed->set_score(detection.score);
}

template <typename From>
std::vector<Detection> UnpackDetections(const From& packed) {
  std::vector<Detection> detections;
  for (const messages::Detection& each : packed) {
    detections.push_back(
        {{each.x(), each.y(), each.width(), each.height()}, each.class_index(), each.score()});
  }
  return detections;
}

void PackScore(const FrameScore& score, messages::FrameScore* packed) {
  packed->set_right(score.right);
  packed->set_objects(score.objects);
  packed->set_detections(score.detections);
}

FrameScore UnpackScore(const messages::FrameScore& score) {
  return {score.right(), score.objects(), score.detections()};
}

}  // namespace

grpc::Status AsStatus(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = [&] {
    switch (status.error().code) {
      case ErrorCode::kInvalid:
        return grpc::StatusCode::INVALID_ARGUMENT;
      case ErrorCode::kNotFound:
        return grpc::StatusCode::NOT_FOUND;
      case ErrorCode::kInfeasible:
        return grpc::StatusCode::FAILED_PRECONDITION;
      case ErrorCode::kUnavailable:
        return grpc::StatusCode::ABORTED;
      case ErrorCode::kCancelled:
        return grpc::StatusCode::OUT_OF_RANGE;  // CANCELLED is what the transport itself may say
      case ErrorCode::kFailed:
        break;
    }
    return grpc::StatusCode::UNKNOWN;
  }();
  return {code, status.error().message};
}

Status FromStatus(const grpc::Status& status) {
  if (status.ok()) return {};
  const auto error = [&](ErrorCode code) { return Error{code, status.error_message()}; };
  switch (status.error_code()) {
    case grpc::StatusCode::INVALID_ARGUMENT:
      return error(ErrorCode::kInvalid);
    case grpc::StatusCode::NOT_FOUND:
      return error(ErrorCode::kNotFound);
    case grpc::StatusCode::FAILED_PRECONDITION:
      return error(ErrorCode::kInfeasible);
    case grpc::StatusCode::OUT_OF_RANGE:
      return error(ErrorCode::kCancelled);
    case grpc::StatusCode::UNKNOWN:
      return error(ErrorCode::kFailed);
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Error{ErrorCode::kUnavailable, "it does not answer"};
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:
      return Error{ErrorCode::kUnavailable, "it has ended"};
    default:
      return error(ErrorCode::kUnavailable);
  }
}

messages::StreamInfo Pack(const workers::StreamInfo& info) {
  messages::StreamInfo packed;
  packed.set_camera_open(info.camera_open);
  packed.set_live(info.live);
  packed.set_has_truth(info.has_truth);
  packed.set_frames_per_second(info.frames_per_second);
  for (const std::string& name : info.classes) packed.add_classes(name);
  packed.set_can_learn(info.can_learn);
  packed.set_serves(info.serves);
  return packed;
}

workers::StreamInfo Unpack(const messages::StreamInfo& info) {
  return {info.camera_open(),
          info.live(),
          info.has_truth(),
          info.frames_per_second(),
          All<std::string>(info.classes()),
          info.can_learn(),
          info.serves()};
}

messages::ServeRequest Pack(const workers::ServingVersion& version) {
  messages::ServeRequest packed;
  packed.set_version(version.version);
  packed.set_weights(version.weights);
  packed.set_temperature(version.temperature);
  return packed;
}

workers::ServingVersion Unpack(const messages::ServeRequest& version) {
  return {version.version(), version.weights(), version.temperature()};
}

messages::StreamPulse Pack(const workers::StreamPulse& pulse) {
  messages::StreamPulse packed;
  packed.set_gone(pulse.gone);
  packed.set_ended(pulse.ended);
  packed.set_why(pulse.why);
  packed.set_cpu_seconds(pulse.cpu_seconds);
  packed.set_frame_cpu_seconds(pulse.frame_cpu_seconds);
  packed.set_version(pulse.version);
  packed.set_analysed(pulse.analysed);
  return packed;
}

workers::StreamPulse Unpack(const messages::StreamPulse& pulse) {
  return {
      pulse.gone(),    pulse.ended(),   pulse.why(), pulse.cpu_seconds(), pulse.frame_cpu_seconds(),
      pulse.version(), pulse.analysed()};
}

messages::ServingProfile Pack(const workers::ServingProfile& profile) {
  messages::ServingProfile packed;
  for (const InferenceProfile& each : profile.profiles) {
    auto* const configuration = packed.add_profiles();
    configuration->set_id(each.id);
    configuration->set_share(each.share);
    configuration->set_factor(each.factor);
  }
  packed.set_frame_cpu_seconds(profile.frame_cpu_seconds);
  return packed;
}

workers::ServingProfile Unpack(const messages::ServingProfile& profile) {
  workers::ServingProfile unpacked;
  for (const auto& each : profile.profiles()) {
    unpacked.profiles.push_back({each.id(), each.share(), each.factor()});
  }
  unpacked.frame_cpu_seconds = profile.frame_cpu_seconds();
  return unpacked;
}

messages::IntervalTally Pack(const workers::IntervalTally& tally) {
  messages::IntervalTally packed;
  packed.set_from_seconds(tally.from_seconds);
  packed.set_to_seconds(tally.to_seconds);
  PackScore(tally.score, packed.mutable_score());
  packed.set_frames(tally.frames);
  packed.set_frames_skipped(tally.frames_skipped);
  packed.set_analyses_due(tally.analyses_due);
  for (const int count : tally.class_counts) packed.add_class_counts(count);
  packed.set_inference_cores(tally.inference_cores);
  return packed;
}

workers::IntervalTally Unpack(const messages::IntervalTally& tally) {
  return {tally.from_seconds(),           tally.to_seconds(),
          UnpackScore(tally.score()),     tally.frames(),
          tally.frames_skipped(),         tally.analyses_due(),
          All<int>(tally.class_counts()), tally.inference_cores()};
}

messages::JudgedLabels Pack(const workers::JudgedLabels& judged) {
  messages::JudgedLabels packed;
  PackScore(judged.score, packed.mutable_score());
  for (const auto& tally : judged.changed) *packed.add_changed() = Pack(tally);
  return packed;
}

workers::JudgedLabels Unpack(const messages::JudgedLabels& judged) {
  workers::JudgedLabels unpacked{UnpackScore(judged.score()), {}};
  for (const auto& tally : judged.changed()) unpacked.changed.push_back(Unpack(tally));
  return unpacked;
}

messages::ServedResults Pack(const std::vector<window::ServedResult>& results) {
  messages::ServedResults packed;
  for (const window::ServedResult& each : results) {
    auto* const result = packed.add_results();
    result->set_time_seconds(each.time_seconds);
    result->set_version(each.version);
    result->set_class_index(each.class_index);
    result->set_score(each.score);
  }
  return packed;
}

std::vector<window::ServedResult> Unpack(const messages::ServedResults& results) {
  std::vector<window::ServedResult> unpacked;
  for (const auto& each : results.results()) {
    unpacked.push_back({each.time_seconds(), each.version(), each.class_index(), each.score()});
  }
  return unpacked;
}

messages::FrameLabel Pack(const workers::FrameLabel& label) {
  messages::FrameLabel packed;
  packed.set_index(label.index);
  for (const Detection& object : label.objects) PackDetection(object, packed.add_objects());
  packed.set_uniform(label.uniform);
  return packed;
}

workers::FrameLabel Unpack(const messages::FrameLabel& label) {
  return {label.index(), UnpackDetections(label.objects()), label.uniform()};
}

messages::Pupil Pack(const workers::Pupil& pupil) {
  messages::Pupil packed;
  packed.set_stream(pupil.stream);
  for (const std::string& name : pupil.classes) packed.add_classes(name);
  return packed;
}

workers::Pupil Unpack(const messages::Pupil& pupil) {
  return {pupil.stream(), All<std::string>(pupil.classes())};
}

messages::WindowLabels Pack(const workers::WindowLabels& labels) {
  messages::WindowLabels packed;
  for (const auto& label : labels.labels) *packed.add_labels() = Pack(label);
  for (const auto& look : labels.first_looks) {
    auto* const detections = packed.add_first_looks();
    for (const Detection& each : look) PackDetection(each, detections->add_detections());
  }
  for (const auto& look : labels.second_looks) {
    auto* const detections = packed.add_second_looks();
    for (const Detection& each : look) PackDetection(each, detections->add_detections());
  }
  packed.set_last(labels.last);
  return packed;
}

workers::WindowLabels Unpack(const messages::WindowLabels& labels) {
  workers::WindowLabels unpacked;
  for (const auto& label : labels.labels()) unpacked.labels.push_back(Unpack(label));
  for (const auto& look : labels.first_looks()) {
    unpacked.first_looks.push_back(UnpackDetections(look.detections()));
  }
  for (const auto& look : labels.second_looks()) {
    unpacked.second_looks.push_back(UnpackDetections(look.detections()));
  }
  unpacked.second_looks.resize(unpacked.first_looks.size());
  unpacked.last = labels.last();
  return unpacked;
}

messages::TakenIn Pack(const workers::TakenIn& taken) {
  messages::TakenIn packed;
  packed.set_samples(taken.samples);
  for (const int count : taken.samples_per_class) packed.add_samples_per_class(count);
  packed.set_held_out(taken.held_out);
  packed.set_served_accuracy(taken.served_accuracy);
  return packed;
}

workers::TakenIn Unpack(const messages::TakenIn& taken) {
  return {taken.samples(), All<int>(taken.samples_per_class()), taken.held_out(),
          taken.served_accuracy()};
}

messages::TrainingJob Pack(const workers::TrainingJob& job) {
  messages::TrainingJob packed;
  *packed.mutable_pupil() = Pack(job.pupil);
  packed.set_window(job.window);
  packed.set_first(job.first);
  packed.set_trial(job.trial);
  packed.set_base(job.base);
  packed.set_served(job.served);
  packed.set_compare(job.compare);
  auto* const configuration = packed.mutable_configuration();
  configuration->set_id(job.configuration.id);
  configuration->set_epochs(job.configuration.epochs);
  configuration->set_sample_fraction(job.configuration.sample_fraction);
  configuration->set_trained_stages(job.configuration.trained_stages);
  configuration->set_last_hidden(job.configuration.last_hidden);
  configuration->set_batch_size(job.configuration.batch_size);
  configuration->set_learning_rate(job.configuration.learning_rate);
  configuration->set_augmentation(job.configuration.augmentation);
  configuration->set_balanced(job.configuration.balanced);
  configuration->set_distillation(job.configuration.distillation);
  packed.set_deadline(job.deadline);
  packed.set_turn_end(job.turn_end);
  packed.set_most_held_out(job.most_held_out);
  packed.set_seed(job.seed);
  packed.set_state_file(job.state_file);
  packed.set_out(job.out);
  return packed;
}

workers::TrainingJob Unpack(const messages::TrainingJob& job) {
  workers::TrainingJob unpacked;
  unpacked.pupil = Unpack(job.pupil());
  unpacked.window = job.window();
  unpacked.first = job.first();
  unpacked.trial = job.trial();
  unpacked.base = job.base();
  unpacked.served = job.served();
  unpacked.compare = job.compare();
  unpacked.configuration.id = job.configuration().id();
  unpacked.configuration.epochs = job.configuration().epochs();
  unpacked.configuration.sample_fraction = job.configuration().sample_fraction();
  unpacked.configuration.trained_stages = job.configuration().trained_stages();
  unpacked.configuration.last_hidden = job.configuration().last_hidden();
  unpacked.configuration.batch_size = job.configuration().batch_size();
  unpacked.configuration.learning_rate = job.configuration().learning_rate();
  unpacked.configuration.augmentation = job.configuration().augmentation();
  unpacked.configuration.balanced = job.configuration().balanced();
  unpacked.configuration.distillation = job.configuration().distillation();
  unpacked.deadline = job.deadline();
  unpacked.turn_end = job.turn_end();
  unpacked.most_held_out = job.most_held_out();
  unpacked.seed = job.seed();
  unpacked.state_file = job.state_file();
  unpacked.out = job.out();
  return unpacked;
}

messages::PairedMeasure Pack(const workers::PairedMeasure& measure) {
  messages::PairedMeasure packed;
  const swap::PairedOutcomes& outcomes = measure.outcomes;
  for (const float each : outcomes.served) packed.add_served(each);
  for (const float each : outcomes.candidate) packed.add_candidate(each);
  for (const float each : outcomes.served_loss) packed.add_served_loss(each);
  for (const float each : outcomes.candidate_loss) packed.add_candidate_loss(each);
  for (const int each : outcomes.label) packed.add_label(each);
  for (const float each : outcomes.label_served) packed.add_label_served(each);
  for (const float each : outcomes.label_candidate) packed.add_label_candidate(each);
  packed.set_served_accuracy(measure.served_accuracy);
  packed.set_candidate_accuracy(measure.candidate_accuracy);
  packed.set_objects(measure.objects);
  packed.set_temperature(measure.temperature);
  return packed;
}

workers::PairedMeasure Unpack(const messages::PairedMeasure& measure) {
  return {{All<float>(measure.served()), All<float>(measure.candidate()), All<int>(measure.label()),
           All<float>(measure.label_served()), All<float>(measure.label_candidate()),
           All<float>(measure.served_loss()), All<float>(measure.candidate_loss())},
          measure.served_accuracy(),
          measure.candidate_accuracy(),
          measure.objects(),
          measure.temperature()};
}

messages::TrainingReport Pack(const workers::TrainingReport& report) {
  messages::TrainingReport packed;
  for (const double each : report.accuracy) packed.add_accuracy(each);
  packed.set_start_accuracy(report.start_accuracy);
  packed.set_samples_per_epoch(report.samples_per_epoch);
  packed.set_full_samples(report.full_samples);
  packed.set_held_out(report.held_out);
  packed.set_once_cpu_seconds(report.once_cpu_seconds);
  packed.set_epochs_cpu_seconds(report.epochs_cpu_seconds);
  packed.set_cpu_seconds(report.cpu_seconds);
  packed.set_whole(report.whole);
  packed.set_parameters(report.parameters);
  *packed.mutable_comparison() = Pack(report.comparison);
  for (const std::string& name : report.classes) packed.add_classes(name);
  for (const std::string& name : report.new_classes) packed.add_new_classes(name);
  return packed;
}

workers::TrainingReport Unpack(const messages::TrainingReport& report) {
  return {All<double>(report.accuracy()),
          report.start_accuracy(),
          report.samples_per_epoch(),
          report.full_samples(),
          report.held_out(),
          report.once_cpu_seconds(),
          report.epochs_cpu_seconds(),
          report.cpu_seconds(),
          report.whole(),
          report.parameters(),
          All<std::string>(report.classes()),
          Unpack(report.comparison()),
          All<std::string>(report.new_classes())};
}

messages::LearningPulse Pack(const workers::LearningPulse& pulse) {
  messages::LearningPulse packed;
  packed.set_cpu_seconds(pulse.cpu_seconds);
  packed.set_epochs(pulse.epochs);
  packed.set_epochs_cpu_seconds(pulse.epochs_cpu_seconds);
  packed.set_accuracy(pulse.accuracy);
  packed.set_held_out(pulse.held_out);
  return packed;
}

workers::LearningPulse Unpack(const messages::LearningPulse& pulse) {
  return {pulse.cpu_seconds(), pulse.epochs(), pulse.epochs_cpu_seconds(), pulse.accuracy(),
          pulse.held_out()};
}

}  // namespace ekya::processes
