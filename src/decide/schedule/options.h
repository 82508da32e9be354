#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace ekya::schedule {

/// The options behind a policy's name: "config=2,share=0.5". Read as a list of fields; the first
/// error is kept until Finish, which also refuses the options that nobody asked for.
class Options {
 public:
  /// `specification` is "name" or "name:option=value,..."; kInvalid where it is neither.
  static Result<Options> Parse(const std::string& specification);

  const std::string& specification() const { return specification_; }
  const std::string& name() const { return name_; }

  /// Each stores the option's value, or leaves the target as it is where the option is absent.
  void Read(const std::string& option, double* value, double low, double high);
  void Read(const std::string& option, bool* value);  ///< 0 or 1.
  void Read(const std::string& option, std::string* value);

  Status Finish() const;

 private:
  void Fail(const std::string& option, const std::string& found, const std::string& expected);

  std::string specification_;
  std::string name_;
  std::map<std::string, std::string> values_;
  std::vector<std::string> asked_;
  Status status_;
};

}  // namespace ekya::schedule
