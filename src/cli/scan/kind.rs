//! Kinds of personal data, and the names of columns that tell them.

/// A kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Credential,
    Email,
    Phone,
    Ip,
    Card,
    BankAccount,
    Money,
    BirthDate,
    Age,
    Gender,
    Employment,
    Coordinates,
    PostalCode,
    Street,
    City,
    Country,
    Name,
    Username,
    Language,
    Device,
    Navigation,
    Consent,
    Interests,
    FreeText,
    /// A key that tells people apart.
    UserKey,
}

/// What is known of a kind.
struct About {
    kind: Kind,
    /// Its key in the taxonomy of Fideslang.
    fides: &'static str,
    /// What values of it are called.
    words: &'static str,
    /// Parts of the names of columns.
    columns: &'static [&'static str],
    /// What a policy may call its category.
    categories: &'static [&'static str],
    /// The types that it may have.
    types: &'static [Class],
}

/// What a column's type says of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Text,
    Number,
    Boolean,
    Time,
    Inet,
    Uuid,
    Json,
    Other,
    /// Nothing of it is sampled.
    Binary,
}

use Class::{Boolean, Inet, Json, Number, Other, Text, Time, Uuid};

/// In the order in which names are looked at.
const KINDS: [About; 25] = [
    About {
        kind: Kind::Credential,
        fides: "user.authorization.credentials",
        words: "credentials, hashes or tokens",
        columns: &[
            "password",
            "passwd",
            "pwd",
            "passphrase",
            "salt",
            "secret",
            "token",
            "api_key",
            "access_key",
            "private_key",
            "otp",
            "credential",
            "credentials",
            "hash",
        ],
        categories: &["credential", "credentials", "secret"],
        types: &[Text, Uuid, Json],
    },
    About {
        kind: Kind::Email,
        fides: "user.contact.email",
        words: "e-mail addresses",
        columns: &["email", "e_mail", "mail", "emails"],
        categories: &["email", "mail"],
        types: &[Text],
    },
    About {
        kind: Kind::Phone,
        fides: "user.contact.phone_number",
        words: "telephone numbers",
        columns: &["phone", "telephone", "tel", "mobile", "cell", "fax", "msisdn", "phones"],
        categories: &["phone", "telephone"],
        types: &[Text, Number],
    },
    About {
        kind: Kind::Ip,
        fides: "user.device.ip_address",
        words: "network addresses",
        columns: &["ip", "ip_address", "ipaddr", "remote_addr", "client_ip"],
        categories: &["ip", "ip_address"],
        types: &[Text, Inet],
    },
    About {
        kind: Kind::Card,
        fides: "user.financial.credit_card",
        words: "card numbers",
        columns: &["card", "card_number", "credit_card", "cc_number", "pan", "last4"],
        categories: &["card", "credit_card", "payment", "billing"],
        types: &[Text, Number],
    },
    About {
        kind: Kind::BankAccount,
        fides: "user.financial.bank_account",
        words: "bank accounts",
        columns: &["iban", "bank_account", "account_number", "bic", "routing_number", "sort_code"],
        categories: &["bank_account", "payment", "billing"],
        types: &[Text, Number],
    },
    About {
        kind: Kind::BirthDate,
        fides: "user.demographic.date_of_birth",
        words: "dates of birth",
        columns: &["birthdate", "birth_date", "date_of_birth", "dob", "birthday", "born", "birth_year"],
        categories: &["birthdate", "date_of_birth", "birth"],
        types: &[Text, Time, Number],
    },
    About {
        kind: Kind::Age,
        fides: "user.demographic.age_range",
        words: "ages",
        columns: &["age", "age_range", "age_group"],
        categories: &["age", "demographic"],
        types: &[Number, Text],
    },
    About {
        kind: Kind::Gender,
        fides: "user.demographic.gender",
        words: "genders",
        columns: &["gender", "sex"],
        categories: &["gender", "demographic"],
        types: &[Text],
    },
    About {
        kind: Kind::Employment,
        fides: "user.workplace",
        words: "professions and employers",
        columns: &["job", "job_title", "profession", "occupation", "employer", "workplace"],
        categories: &["employment", "profession", "job"],
        types: &[Text],
    },
    About {
        kind: Kind::Coordinates,
        fides: "user.location.precise",
        words: "coordinates",
        columns: &["latitude", "longitude", "lat", "lon", "lng", "geo", "coordinates", "geom", "geolocation", "gps"],
        categories: &["precise", "fine", "location"],
        types: &[Text, Number, Other],
    },
    About {
        kind: Kind::PostalCode,
        fides: "user.contact.address.postal_code",
        words: "postal codes",
        columns: &["postal_code", "postcode", "zip", "zip_code", "zipcode", "plz"],
        categories: &["postal_code", "location.fine", "address", "location"],
        types: &[Text, Number],
    },
    About {
        kind: Kind::City,
        fides: "user.contact.address.city",
        words: "towns",
        columns: &["city", "town", "locality"],
        categories: &["city", "location.fine", "address", "location"],
        types: &[Text],
    },
    About {
        kind: Kind::Country,
        fides: "user.contact.address.country",
        words: "countries and regions",
        columns: &["country", "country_code", "state", "province"],
        categories: &["country", "location.coarse", "address", "location"],
        types: &[Text],
    },
    About {
        kind: Kind::Street,
        fides: "user.contact.address.street",
        words: "addresses",
        columns: &["address", "street", "addr", "house_number"],
        categories: &["street", "address"],
        types: &[Text, Json],
    },
    About {
        kind: Kind::Username,
        fides: "user.account.username",
        words: "names of accounts",
        columns: &["username", "user_name", "login", "handle", "screen_name"],
        categories: &["username"],
        types: &[Text],
    },
    About {
        kind: Kind::Name,
        fides: "user.name",
        words: "names of people",
        columns: &[
            "full_name",
            "first_name",
            "last_name",
            "surname",
            "given_name",
            "family_name",
            "middle_name",
            "maiden_name",
            "display_name",
            "nickname",
            "firstname",
            "lastname",
            "fullname",
            "name",
        ],
        categories: &["name"],
        types: &[Text],
    },
    About {
        kind: Kind::Language,
        fides: "user.demographic.language",
        words: "languages",
        columns: &["language", "locale", "lang"],
        categories: &["language", "demographic"],
        types: &[Text],
    },
    About {
        kind: Kind::Device,
        fides: "user.device",
        words: "devices",
        columns: &["user_agent", "os", "device", "browser", "platform", "device_id", "imei", "mac_address"],
        categories: &["device"],
        types: &[Text, Uuid, Other],
    },
    About {
        kind: Kind::Consent,
        fides: "user.privacy_preferences",
        words: "what a person agreed to",
        columns: &[
            "consent",
            "opt_in",
            "opt_out",
            "unsubscribed",
            "subscribed",
            "preferences",
            "preference",
            "newsletter",
        ],
        categories: &["consent", "preference"],
        types: &[Boolean, Time, Text, Json],
    },
    About {
        kind: Kind::Navigation,
        fides: "user.behavior.browsing_history",
        words: "pages visited",
        columns: &["url", "referrer", "referer", "landing_page", "exit_page", "web_request", "clicks"],
        categories: &["navigation", "browsing_history", "usage.log"],
        types: &[Text, Number],
    },
    About {
        kind: Kind::Interests,
        fides: "user.behavior",
        words: "interests",
        columns: &["interests", "interest", "hobbies"],
        categories: &["interests"],
        types: &[Text, Json, Other],
    },
    About {
        kind: Kind::Money,
        fides: "user.financial",
        words: "amounts",
        columns: &["amount", "amount_cents", "salary", "income", "balance", "price"],
        categories: &["payment", "billing", "financial"],
        types: &[Number, Text, Other],
    },
    About {
        kind: Kind::FreeText,
        fides: "user.content",
        words: "free text",
        columns: &[
            "body", "message", "comment", "comments", "note", "notes", "text", "content", "bio", "feedback", "remark",
        ],
        categories: &["message", "volunteered", "content"],
        types: &[Text, Json],
    },
    About {
        kind: Kind::UserKey,
        fides: "user.unique_id",
        words: "keys of people",
        columns: &[
            "user_id",
            "customer_id",
            "person_id",
            "account_id",
            "member_id",
            "client_id",
            "external_user_id",
            "external_id",
            "visitor_id",
            "patient_id",
        ],
        categories: &["identifier", "key", "id"],
        types: &[Number, Text, Uuid],
    },
];

impl Kind {
    fn about(self) -> &'static About {
        KINDS.iter().find(|about| about.kind == self).unwrap_or(&KINDS[0])
    }

    pub(super) fn fides(self) -> &'static str {
        self.about().fides
    }

    pub(super) fn words(self) -> &'static str {
        self.about().words
    }

    pub(super) fn categories(self) -> &'static [&'static str] {
        self.about().categories
    }

    /// Whether a table whose columns hold this is probably about people.
    pub(super) fn is_of_people(self) -> bool {
        matches!(
            self,
            Kind::Email | Kind::Phone | Kind::BirthDate | Kind::Username | Kind::Credential | Kind::Gender | Kind::Name
        )
    }

    /// Whether values alone tell it.
    pub(super) fn is_told_by_values(self) -> bool {
        matches!(
            self,
            Kind::Email
                | Kind::Ip
                | Kind::Card
                | Kind::BankAccount
                | Kind::Credential
                | Kind::Coordinates
                | Kind::Phone
        )
    }

    /// Whether there is anything to recognise values by.
    pub(super) fn has_looks(self) -> bool {
        Kind::LOOKS.contains(&self)
    }
}

/// A name in lower case, its words joined by underscores: `userEmail` is `user_email`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && lower {
            out.push('_');
        }
        lower = letter.is_lowercase() || letter.is_ascii_digit();
        if letter.is_alphanumeric() { out.extend(letter.to_lowercase()) } else { out.push('_') }
    }
    out
}

/// The kind that a column's name tells, if its type fits.
pub(super) fn by_name(name: &str, class: Class) -> Option<Kind> {
    let name = format!("_{}_", snake(name));
    // What ends so may be the name of anything.
    let within = |part: &str| if part == "name" { name == "_name_" } else { name.contains(&format!("_{part}_")) };
    let says = |about: &About| about.columns.iter().any(|part| within(part));
    KINDS.iter().find(|about| about.types.contains(&class) && says(about)).map(|about| about.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fideslang::Vocabulary;

    #[test]
    fn what_is_proposed_is_of_fideslang() {
        for About { kind, fides, .. } in &KINDS {
            assert!(Vocabulary::Categories.keys().any(|key| key == *fides), "{kind:?}: {fides}");
        }
    }

    #[test]
    fn names_tell_where_the_type_fits() {
        for (name, class, expected) in [
            ("email", Text, Some(Kind::Email)),
            ("userEmail", Text, Some(Kind::Email)),
            ("email_verified", Boolean, None),
            ("primary_e_mail", Text, Some(Kind::Email)),
            ("passwordHash", Text, Some(Kind::Credential)),
            ("ip_address", Inet, Some(Kind::Ip)),
            ("mailing_address", Text, Some(Kind::Street)),
            ("postal_code", Text, Some(Kind::PostalCode)),
            ("marketing_consent", Boolean, Some(Kind::Consent)),
            ("shipment", Text, None),
            ("zipped", Boolean, None),
            ("package", Text, None),
        ] {
            assert_eq!(by_name(name, class), expected, "{name}");
        }
    }
}
