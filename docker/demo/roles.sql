-- Who may log in to the demo, each with the password "demo". Which purposes they may declare says policy/botpress/principals.toml.
CREATE ROLE wherefore_catalog LOGIN PASSWORD 'demo';
CREATE ROLE app_service LOGIN PASSWORD 'demo';
CREATE ROLE support_agent LOGIN PASSWORD 'demo';
CREATE ROLE data_scientist LOGIN PASSWORD 'demo';
CREATE ROLE ml_engineer LOGIN PASSWORD 'demo';
CREATE ROLE privacy_officer LOGIN PASSWORD 'demo';
-- The proxy only ever takes away from what the server grants.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public
    TO app_service, support_agent, data_scientist, ml_engineer, privacy_officer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app_service, support_agent;
