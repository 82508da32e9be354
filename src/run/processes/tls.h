#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/security/server_credentials.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"

namespace ekya::processes {

/// Who one end of a connection between hosts is, and whom it believes; PEM texts.
struct TlsIdentity {
  std::string authorities;  ///< That have signed whom it speaks with.
  std::string certificate;
  std::string key;  ///< Of `certificate`.
};

/// From `folder`: ca.pem, certificate.pem, key.pem. Errors name the file: one that is missing or
/// empty, a key that others than its owner may read.
Result<TlsIdentity> ReadTlsIdentity(const std::filesystem::path& folder);

/// Of a worker that listens: whoever connects shows a certificate of its authorities, or is
/// refused.
std::shared_ptr<grpc::ServerCredentials> ServerCredentialsOf(const TlsIdentity& identity);

/// The way to the worker that listens at `address` ("host:port", the host as its certificate names
/// it); both ends show certificates. kUnavailable: nobody listened for `seconds`, or one end did
/// not believe the other; the message has which, as far as TLS tells it.
Result<std::shared_ptr<grpc::Channel>> ConnectOverTls(const std::string& address,
                                                      const TlsIdentity& identity, double seconds);

}  // namespace ekya::processes
