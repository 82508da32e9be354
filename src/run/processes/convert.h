#pragma once

#include <grpcpp/support/status.h>
#include <messages.pb.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "run/workers/services.h"

/// Messages and the values of run/workers/services.h, there and back.
namespace ekya::processes {

/// An error keeps its code and its text on its way. What the transport itself says (a worker that
/// is gone, or silent for longer than a call may take) becomes kUnavailable.
grpc::Status AsStatus(const Status& status);
Status FromStatus(const grpc::Status& status);

messages::StreamInfo Pack(const workers::StreamInfo& info);
workers::StreamInfo Unpack(const messages::StreamInfo& info);
messages::ServeRequest Pack(const workers::ServingVersion& version);
workers::ServingVersion Unpack(const messages::ServeRequest& version);
messages::StreamPulse Pack(const workers::StreamPulse& pulse);
workers::StreamPulse Unpack(const messages::StreamPulse& pulse);
messages::ServingProfile Pack(const workers::ServingProfile& profile);
workers::ServingProfile Unpack(const messages::ServingProfile& profile);
messages::IntervalTally Pack(const workers::IntervalTally& tally);
workers::IntervalTally Unpack(const messages::IntervalTally& tally);
messages::JudgedLabels Pack(const workers::JudgedLabels& judged);
workers::JudgedLabels Unpack(const messages::JudgedLabels& judged);
messages::ServedResults Pack(const std::vector<window::ServedResult>& results);
std::vector<window::ServedResult> Unpack(const messages::ServedResults& results);
messages::FrameLabel Pack(const workers::FrameLabel& label);
workers::FrameLabel Unpack(const messages::FrameLabel& label);
messages::Pupil Pack(const workers::Pupil& pupil);
workers::Pupil Unpack(const messages::Pupil& pupil);
messages::WindowLabels Pack(const workers::WindowLabels& labels);
workers::WindowLabels Unpack(const messages::WindowLabels& labels);
messages::TakenIn Pack(const workers::TakenIn& taken);
workers::TakenIn Unpack(const messages::TakenIn& taken);
messages::TrainingJob Pack(const workers::TrainingJob& job);
workers::TrainingJob Unpack(const messages::TrainingJob& job);
messages::PairedMeasure Pack(const workers::PairedMeasure& measure);
workers::PairedMeasure Unpack(const messages::PairedMeasure& measure);
messages::TrainingReport Pack(const workers::TrainingReport& report);
workers::TrainingReport Unpack(const messages::TrainingReport& report);
messages::LearningPulse Pack(const workers::LearningPulse& pulse);
workers::LearningPulse Unpack(const messages::LearningPulse& pulse);

}  // namespace ekya::processes
