select case when count(*) = 0 then error('not there yet') else 1 end as one
from glob('{{ env_var("FLAKY_FILE") }}')
