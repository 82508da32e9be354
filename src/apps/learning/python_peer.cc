#include "apps/learning/python_peer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

extern char** environ;

namespace ekya::learning {
namespace {

// Debian's own, which has PyTorch as a package: not whatever Python a user put before it.
constexpr char kPython[] = "/usr/bin/python3";

Error Unavailable(const std::string& reason) {
  return {ErrorCode::kUnavailable,
          fmt::format("{}: {}, expected Python with PyTorch and torchvision (scripts/setup "
                      "--python brings them)",
                      kPython, reason)};
}

}  // namespace

const Node* Member(const Node& map, const std::string& key) {
  for (const auto& [name, value] : map.members) {
    if (name == key) return &value;
  }
  return nullptr;
}

Result<std::unique_ptr<PythonPeer>> PythonPeer::Start() {
  // A Python that ends early must not end this process with its pipe.
  std::signal(SIGPIPE, SIG_IGN);
  int to[2] = {-1, -1};
  int from[2] = {-1, -1};
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) {
    return Error{ErrorCode::kFailed, fmt::format("pipe: {}", std::strerror(errno))};
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
  std::string python = kPython;
  std::string script = EKYA_THROUGHPUT_PEER;
  char* arguments[] = {python.data(), script.data(), nullptr};
  std::unique_ptr<PythonPeer> peer(new PythonPeer());
  const int failed = posix_spawn(&peer->process_, kPython, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(to[0]);
  ::close(from[1]);
  peer->questions_ = ::fdopen(to[1], "w");
  peer->answers_ = ::fdopen(from[0], "r");
  if (failed != 0) {
    peer->process_ = -1;
    return Unavailable(std::strerror(failed));
  }
  if (!peer->Ask(R"({"do": "versions"})").ok()) return Unavailable("found no answer");
  return peer;
}

PythonPeer::~PythonPeer() {
  // It ends where its questions do.
  if (questions_ != nullptr) std::fclose(questions_);
  if (answers_ != nullptr) std::fclose(answers_);
  if (process_ > 0) ::waitpid(process_, nullptr, 0);
}

Result<Node> PythonPeer::Ask(const std::string& question) {
  std::string line = question;
  if (line.empty() || line.back() != '\n') line += '\n';
  if (std::fputs(line.c_str(), questions_) == EOF || std::fflush(questions_) != 0) {
    return Error{ErrorCode::kFailed, fmt::format("{}: has ended", kPython)};
  }
  char* text = nullptr;
  std::size_t capacity = 0;
  const auto length = ::getline(&text, &capacity, answers_);
  const std::string answer = length < 0 ? std::string() : std::string(text, text + length);
  std::free(text);
  if (answer.empty()) return Error{ErrorCode::kFailed, fmt::format("{}: has ended", kPython)};
  EKYA_ASSIGN(Node node, ParseJson(answer, EKYA_THROUGHPUT_PEER));
  if (const Node* error = Member(node, "error")) {
    return Error{ErrorCode::kFailed, fmt::format("{}: {}", EKYA_THROUGHPUT_PEER, error->text)};
  }
  return node;
}

Result<double> PythonPeer::AskNumber(const std::string& question, const std::string& key) {
  EKYA_ASSIGN(const Node answer, Ask(question));
  const Node* number = Member(answer, key);
  if (number == nullptr || number->kind != Node::Kind::kNumber) {
    return Error{ErrorCode::kFailed,
                 fmt::format("{}: found no number '{}'", EKYA_THROUGHPUT_PEER, key)};
  }
  return number->number;
}

}  // namespace ekya::learning
