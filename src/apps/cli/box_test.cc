#include "apps/cli/box.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "core/document.h"
#include "core/schedule.h"
#include "core/situation.h"
#include "decide/schedule/policy.h"

namespace ekya::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNow = 1'795'000'300;

/// A box with two streams, of which one has learned twice.
class BoxTest : public ::testing::Test {
 protected:
  BoxTest() {
    std::filesystem::remove_all(folder_);
    const auto registry = registry::Registry::Open(folder_ / "registry.db").value();
    auto store = registry::ModelStore::Open(folder_ / "models").value();
    const std::int64_t run = registry
                                 ->BeginRun({0, kNow - 300, 0, "exact", 0, 120},
                                            {{"lobby", "classification", {"car", "bus"}},
                                             {"yard", "classification", {"car", "bus"}}})
                                 .value();
    for (int version = 1; version <= 3; ++version) {
      registry::Manifest model;
      model.classes = {"busy", "free"};
      model.temperature = 1.25;
      model.stream = "lobby";
      model.parent = version - 1;
      model.window = version;
      model.configuration = version == 1 ? "" : "all/10";
      model.accuracy = {0.8, 0.7, 0.9, 60, "truth"};
      model.verdict = version == 1 ? registry::Verdict::kFirst : registry::Verdict::kPromoted;
      model.reason = "better by 4 points";
      model.version = store
                          .Publish(model,
                                   [](const std::filesystem::path& into) {
                                     return WriteFileAtomically(into / "weights.safetensors", "w");
                                   })
                          .value();
      EXPECT_TRUE(registry->RecordModel(model).ok());
      if (version < 3) {
        EXPECT_TRUE(store.Point("lobby", registry::Alias::kServing, version).ok());
      }
    }
    Situation situation;
    situation.window_seconds = 120;
    StreamSituation stream;
    stream.id = "lobby";
    stream.accuracy = 0.5;
    stream.inference = {{"all", 0.5, 1.0}};
    stream.retraining = {{"all/10", 0.9, 10, 0}};
    situation.streams = {stream};
    const Schedule schedule = (*schedule::MakePolicy("exact"))->Decide(situation).value();
    registry::WindowEntry window;
    window.run = run;
    window.window = 4;
    window.start_seconds = kNow - 130;
    window.end_seconds = kNow - 10;
    window.profiles = {{"lobby", "all/10", 0.9, 10, 0.02}};
    window.decisions = {
        {kNow - 128, "window start", WriteSituation(situation), WriteSchedule(schedule)}};
    window.corrections = {{kNow - 100, "lobby", "all/10", "device_seconds", 10, 14.5}};
    window.retrainings = {
        {"lobby", "all/10", kNow - 128, kNow - 60, 0.9, 10, 0.875, 9.5, "swapped"}};
    EXPECT_TRUE(registry->RecordWindow(window).ok());
    // Of the version before, of this one, and of this one without a judgement.
    EXPECT_TRUE(
        registry
            ->RecordAccuracies({{"lobby", 1, kNow - 60, kNow - 50, 10, 0, {0.1, 0, 1, 10, "truth"}},
                                {"lobby", 2, kNow - 50, kNow - 40, 10, 1, {0.5, 0, 1, 10, "truth"}},
                                {"lobby", 2, kNow - 40, kNow - 30, 30, 3, {0.9, 0, 1, 30, "truth"}},
                                {"lobby", 2, kNow - 30, kNow - 20, 10, 1, {0, 0, 1, 0, "truth"}}})
            .ok());
    EXPECT_TRUE(registry->RecordEvent({0, kNow - 5, "yard", "camera stalled", "5 s"}).ok());
  }
  ~BoxTest() override { std::filesystem::remove_all(folder_); }

  Box Open(bool to_write = false) const { return OpenBox(folder_, to_write).value(); }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      ("ekya-box-" + std::to_string(getpid()) + "-" +
       ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(BoxTest, StatusPoolsWhatTheServedModelShowed) {
  Box box = Open();
  const std::string text = StatusText(box, kNow).value();
  EXPECT_THAT(text, HasSubstr("exact since 2026-11-18"));
  EXPECT_THAT(text, HasSubstr("not ended; window 4 ended 10"));
  EXPECT_THAT(text, HasSubstr("yard: camera stalled: 5 s"));
  // (0.5 * 10 + 0.9 * 30) / 40, of version 2 alone; 5 of 50 frames skipped.
  EXPECT_THAT(text, ::testing::ContainsRegex(
                        R"(lobby +2 +80\.0 % \([0-9.]+ % to [0-9.]+ %\) +truth +40 +10\.0 %)"));
  EXPECT_THAT(text, ::testing::ContainsRegex("yard +- +- "));

  const Node status = ParseJson(StatusJson(box).value(), "status").value();
  const auto member = [](const Node& node, const std::string& key) -> const Node& {
    for (const auto& [name, value] : node.members) {
      if (name == key) return value;
    }
    throw std::out_of_range(key);
  };
  const Node& lobby = member(status, "streams").items.at(0);
  EXPECT_NEAR(member(lobby, "accuracy").number, 0.8, 1e-12);
  EXPECT_LT(member(lobby, "low").number, 0.8);
  EXPECT_GT(member(lobby, "high").number, 0.8);
  EXPECT_EQ(member(lobby, "model_version").number, 2);
  EXPECT_THAT(StatusText(box, kNow, 0).value(), Not(HasSubstr("camera stalled")));
  EXPECT_EQ(member(member(status, "streams").items.at(1), "accuracy").kind, Node::Kind::kNull);
}

TEST_F(BoxTest, PlanShowsSchedulesWithTheirReasonsAndWhatCameOfThem) {
  Box box = Open();
  const std::string text = PlanText(box, std::nullopt).value();
  EXPECT_THAT(text, HasSubstr("2.0 s, window start"));
  EXPECT_THAT(text, HasSubstr("lobby: "));  // The explanation.
  EXPECT_THAT(text, HasSubstr("87.5 %"));
  EXPECT_THAT(text, HasSubstr("swapped"));
  EXPECT_THAT(text, ::testing::ContainsRegex("lobby +all/10 +90.0 % ± 2.0 +10.0"));
  EXPECT_THAT(text, ::testing::ContainsRegex("30.0 +lobby +all/10 +device_seconds +10 +14.5"));
  EXPECT_EQ(PlanText(box, 4).value(), text);
  EXPECT_THAT(PlanText(box, 9).error().message, HasSubstr("window 9: not in the registry"));
  const std::string json = PlanJson(box, 4).value();
  EXPECT_TRUE(ParseJson(json, "plan").ok());
  for (const char* said : {"\"spread\": 0.02", "\"corrected\": 14.5", "\"outcome\": \"swapped\""}) {
    EXPECT_THAT(json, HasSubstr(said));
  }
}

TEST_F(BoxTest, ListsModels) {
  Box box = Open();
  const std::string text = ModelsText(box, "lobby").value();
  EXPECT_THAT(text, HasSubstr("serving 2"));
  EXPECT_THAT(text, HasSubstr("previous 1"));
  EXPECT_THAT(text, HasSubstr("80.0 % (70.0 % to 90.0 %)"));
  EXPECT_THAT(text, ::testing::ContainsRegex("classes +temperature"));
  EXPECT_THAT(text, ::testing::ContainsRegex(" 2 +1.25 "));
  const std::string json = ModelsJson(box, "lobby").value();
  EXPECT_TRUE(ParseJson(json, "models").ok());
  EXPECT_THAT(json, HasSubstr("\"temperature\": 1.25"));
  EXPECT_THAT(json, ::testing::ContainsRegex("\"classes\": \\[[^]]*\"free\""));
  EXPECT_THAT(ModelsText(box, "yard").error().message, HasSubstr("stream yard: no model"));
  EXPECT_THAT(text, Not(HasSubstr("not kept")));
  std::filesystem::remove_all(folder_ / "models/lobby/3");
  EXPECT_THAT(ModelsText(box, "lobby").value(), HasSubstr("not kept, 3"));
}

TEST_F(BoxTest, PinsUnpinsAndRollsBack) {
  Box box = Open(true);
  EXPECT_THAT(PinModel(box, "lobby", 3, kNow).value(), HasSubstr("stays at version 3"));
  EXPECT_EQ(box.models->Pointed("lobby", registry::Alias::kServing), 3);
  EXPECT_THAT(ModelsText(box, "lobby").value(), HasSubstr("pinned, serving 3"));
  EXPECT_THAT(UnpinModel(box, "lobby").value(), HasSubstr("may move on from version 3"));
  EXPECT_THAT(UnpinModel(box, "lobby").value(), HasSubstr("was not pinned"));
  EXPECT_THAT(RollBackModel(box, "lobby").value(), HasSubstr("served by version 2 again"));
  EXPECT_EQ(box.models->Pointed("lobby", registry::Alias::kServing), 2);
  EXPECT_EQ(PinModel(box, "lobby", 7, kNow).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(PinModel(box, "yard", std::nullopt, kNow).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(RollBackModel(box, "yard").error().code, ErrorCode::kNotFound);
  std::ofstream(folder_ / "models/lobby/3/weights.safetensors") << "v";
  EXPECT_THAT(PinModel(box, "lobby", 3, kNow).error().message, HasSubstr("damaged"));
}

TEST_F(BoxTest, AFolderWithoutARunSaysSo) {
  const auto box = OpenBox(folder_ / "elsewhere", false);
  EXPECT_THAT(box.error().message, HasSubstr("nothing ran here yet"));
}

}  // namespace
}  // namespace ekya::cli
