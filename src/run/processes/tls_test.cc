// A worker that listens for other hosts, on loopback, with certificates made here.
#include "run/processes/tls.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.h"
#include "run/processes/process.h"
#include "run/processes/worker.h"

namespace ekya::processes {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// The worker process.
TEST(Tls, DISABLED_Worker) {
  Site site;
  site.compute.enforcement = "pacing";
  WorkerRequest request;
  request.learning = true;
  request.name = "elsewhere";
  request.listen = std::getenv("EKYA_TEST_LISTEN");
  request.tls_folder = std::getenv("EKYA_TEST_TLS");
  request.out = request.tls_folder;
  const Status ran = RunWorker(site, request);
  EXPECT_TRUE(ran.ok()) << ran.error().message;
}

int FreePort() {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  EXPECT_EQ(bind(descriptor, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length), 0);
  close(descriptor);
  return ntohs(address.sin_port);
}

class TlsTest : public testing::Test {
 protected:
  TlsTest() { fs::create_directories(folder_); }
  ~TlsTest() override { fs::remove_all(folder_); }

  void Shell(const std::string& command) const {
    auto process = Process::Start(
        "/bin/sh", {"sh", "-c", "cd " + folder_.string() + " && { " + command + "; } >log 2>&1"});
    ASSERT_TRUE(process.ok());
    const auto status = process->Wait(60);
    ASSERT_TRUE(status && *status == 0) << command << '\n' << *ReadFile(folder_ / "log");
  }
  void MakeAuthority(const std::string& name) const {
    Shell(
        fmt::format("mkdir -p {0} && openssl req -x509 -newkey ec -pkeyopt "
                    "ec_paramgen_curve:prime256v1 -nodes -keyout {0}/ca-key.pem -out {0}/ca.pem "
                    "-days 2 -subj /CN={0}",
                    name));
  }
  /// A folder with a certificate of `authority`'s, and that authority.
  fs::path MakeIdentity(const std::string& name, const std::string& authority) const {
    Shell(fmt::format(
        "mkdir -p {0} && openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
        "-keyout {0}/key.pem -out {0}/request.pem -subj /CN={0} && "
        "echo subjectAltName=IP:127.0.0.1 >{0}/names && "
        "openssl x509 -req -in {0}/request.pem -CA {1}/ca.pem -CAkey {1}/ca-key.pem "
        "-CAcreateserial -days 2 -extfile {0}/names -out {0}/certificate.pem && "
        "cp {1}/ca.pem {0}/ca.pem && chmod 600 {0}/key.pem",
        name, authority));
    return folder_ / name;
  }

  const fs::path folder_ = fs::temp_directory_path() / fmt::format("ekya-tls-{}", getpid());
};

TEST_F(TlsTest, OnlyCertificatesOfTheSameAuthorityAreSpokenWith) {
  MakeAuthority("box");
  MakeAuthority("stranger");
  const fs::path worker = MakeIdentity("worker", "box");
  const auto right = ReadTlsIdentity(MakeIdentity("conductor", "box"));
  const auto foreign = ReadTlsIdentity(MakeIdentity("intruder", "stranger"));
  ASSERT_TRUE(right.ok()) << right.error().message;
  ASSERT_TRUE(foreign.ok()) << foreign.error().message;

  const std::string address = fmt::format("127.0.0.1:{}", FreePort());
  auto process =
      Process::Start("/proc/self/exe",
                     {"worker", "--gtest_filter=Tls.DISABLED_Worker",
                      "--gtest_also_run_disabled_tests", "--gtest_brief=1"},
                     {{"EKYA_TEST_LISTEN", address}, {"EKYA_TEST_TLS", worker.string()}});
  ASSERT_TRUE(process.ok());

  const auto known = ConnectOverTls(address, *right, 60);
  ASSERT_TRUE(known.ok()) << known.error().message;

  TlsIdentity intruder = *foreign;
  intruder.authorities = right->authorities;
  const auto refused = ConnectOverTls(address, intruder, 0.5);
  ASSERT_FALSE(refused.ok()) << "its certificate is another authority's";
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr(address));
  EXPECT_THAT(refused.error().message, HasSubstr("certificate"));

  const auto nobody = ConnectOverTls(address, {right->authorities, "", ""}, 0.5);
  ASSERT_FALSE(nobody.ok()) << "it has no certificate";
  EXPECT_THAT(nobody.error().message, HasSubstr(address));

  const auto distrusted =
      ConnectOverTls(address, {foreign->authorities, right->certificate, right->key}, 0.5);
  ASSERT_FALSE(distrusted.ok()) << "the worker's certificate is not of whom it believes";
  EXPECT_THAT(distrusted.error().message, HasSubstr(address));

  EXPECT_TRUE(ConnectOverTls(address, *right, 5).ok()) << "who is known is still served";
  process->Signal(SIGTERM);
  const auto ended = process->Wait(30);
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended, 0) << Describe(*ended);
}

TEST_F(TlsTest, FilesThatCannotBeUsedAreNamed) {
  MakeAuthority("box");
  const fs::path folder = MakeIdentity("worker", "box");
  fs::permissions(folder / "key.pem", fs::perms::group_read, fs::perm_options::add);
  EXPECT_THAT(ReadTlsIdentity(folder).error().message, HasSubstr("key.pem: others may read it"));
  fs::permissions(folder / "key.pem", fs::perms::owner_read);
  EXPECT_TRUE(ReadTlsIdentity(folder).ok());
  std::ofstream(folder / "ca.pem") << "no certificate";
  EXPECT_THAT(ReadTlsIdentity(folder).error().message, HasSubstr("ca.pem: found no PEM text"));
  fs::remove(folder / "certificate.pem");
  fs::copy_file(folder_ / "box/ca.pem", folder / "ca.pem", fs::copy_options::overwrite_existing);
  EXPECT_THAT(ReadTlsIdentity(folder).error().message, HasSubstr("certificate.pem"));
}

}  // namespace
}  // namespace ekya::processes
